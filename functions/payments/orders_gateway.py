"""Orders, asked by Lambda invoke: what there is to pay, and whose it is."""

from payments.domain import NoSuchOrder
from payments.settings import settings
from shared import invoke
from shared.events import OrderFacts
from shared.questions import DescribeOrder


def order(order_id: str) -> OrderFacts:
    """The order as it is now. Raises NoSuchOrder, or Unavailable where orders does not answer."""
    try:
        return invoke.ask(settings().orders_commands, DescribeOrder(order_id=order_id)).order
    except invoke.Declined as refusal:
        if refusal.problem["status"] != 404:
            raise
        raise NoSuchOrder("There is no such order.") from refusal
