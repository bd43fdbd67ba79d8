"""What orders says that is of concern to money."""

from payments.service import capturing, refunding, settling
from shared.contracts.events import Event, OrderCancelled, OrderExpired, OrderRefundDue, OrderShipped
from shared.messaging.consumers import Consumers
from shared.runtime import clock

consumers = Consumers()


@consumers.on(OrderCancelled, OrderExpired)
def order_given_up(event: Event) -> None:
    settling.close(event.data.order_id, clock.now())


@consumers.on(OrderRefundDue)
def refund_due(event: OrderRefundDue) -> None:
    refunding.refund_due(event.data, clock.now())


@consumers.on(OrderShipped)
def shipped(event: OrderShipped) -> None:
    capturing.shipped(event.data, clock.now())
