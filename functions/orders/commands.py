"""Questions in, from other services."""

from orders.service import reading, telling
from shared.invoke import Commands
from shared.questions import DescribeOrder, OrderToPay

commands = Commands()


@commands.on(DescribeOrder)
def describe(question: DescribeOrder) -> OrderToPay:
    order = reading.describe(question.order_id)
    return OrderToPay(
        order=telling.facts(order),
        version=order.version,
        payment_id=order.payment_id,
        given_back=order.refunded,
    )


handle = commands.handle
