"""Questions in, from other services."""

from orders import service
from shared.invoke import Commands
from shared.questions import DescribeOrder, OrderToPay

commands = Commands()


@commands.on(DescribeOrder)
def describe(question: DescribeOrder) -> OrderToPay:
    order = service.describe(question.order_id)
    return OrderToPay(order=service.facts(order), version=order.version)


handle = commands.handle
