"""Calls to the orders service."""

from payments.domain.payments import NoSuchOrder
from payments.domain.reconciliation.differences import KnownOrder
from payments.settings import settings
from shared.contracts.commands.orders import DescribeOrder, OrderForPayment
from shared.messaging import rpc


def known(order_id: str) -> KnownOrder | None:
    """Return the order from the orders service; None if it does not exist. Raises Unavailable."""
    try:
        found = rpc.call(settings().orders_commands, DescribeOrder(order_id=order_id))
    except rpc.CommandRejected as refusal:
        if refusal.problem["status"] != 404:
            raise
        return None
    order = found.order
    return KnownOrder(order_id, order.status, found.payment_id, found.refunded, order.expires_at)


def order(order_id: str, user_id: str) -> OrderForPayment:
    """Return the user's order. Raises NoSuchOrder, also if it is somebody else's, or Unavailable."""
    try:
        return rpc.call(settings().orders_commands, DescribeOrder(order_id=order_id, user_id=user_id))
    except rpc.CommandRejected as refusal:
        if refusal.problem["status"] != 404:
            raise
        raise NoSuchOrder("The order does not exist.") from refusal
