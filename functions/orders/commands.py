"""The commands that orders serves to other services."""

from orders.service import event_data, reading
from shared.contracts.commands.orders import DescribeOrder, OrderForPayment
from shared.messaging.rpc import Commands

commands = Commands()


@commands.on(DescribeOrder)
def describe(command: DescribeOrder) -> OrderForPayment:
    order = reading.describe(command.order_id, command.user_id)
    return OrderForPayment(
        order=event_data.order_data(order),
        version=order.version,
        payment_id=order.payment_id,
        refunded=order.refunded,
    )
