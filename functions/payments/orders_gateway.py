"""Orders, asked by Lambda invoke: what there is to pay, and whose it is."""

from payments.domain.payments import NoSuchOrder
from payments.domain.reconciling.differences import KnownOrder
from payments.settings import settings
from shared.contracts.commands import DescribeOrder, OrderForPayment
from shared.messaging import rpc


def known(order_id: str) -> KnownOrder | None:
    """What orders knows of an order's money; None where there is no such order. Raises Unavailable."""
    try:
        answer = rpc.call(settings().orders_commands, DescribeOrder(order_id=order_id))
    except rpc.CommandRejected as refusal:
        if refusal.problem["status"] != 404:
            raise
        return None
    order = answer.order
    return KnownOrder(order_id, order.status, answer.payment_id, answer.refunded, order.expires_at)


def order(order_id: str) -> OrderForPayment:
    """The order as it is now. Raises NoSuchOrder, or Unavailable where orders does not answer."""
    try:
        return rpc.call(settings().orders_commands, DescribeOrder(order_id=order_id))
    except rpc.CommandRejected as refusal:
        if refusal.problem["status"] != 404:
            raise
        raise NoSuchOrder("There is no such order.") from refusal
