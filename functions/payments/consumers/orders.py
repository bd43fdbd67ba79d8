"""What orders says that is of concern to money."""

from payments.service import refunding, settling
from shared import clock
from shared.events import Event, OrderCancelled, OrderExpired, OrderRefundDue
from shared.inbox import Consumers

consumers = Consumers()


@consumers.on(OrderCancelled, OrderExpired)
def order_given_up(event: Event) -> None:
    settling.close(event.data.order_id, clock.now())


@consumers.on(OrderRefundDue)
def refund_due(event: OrderRefundDue) -> None:
    refunding.refund_due(event.data, clock.now())
