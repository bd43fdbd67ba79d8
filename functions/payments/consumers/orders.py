"""The handlers of orders' events."""

from payments.service import captures, refunds, syncing
from shared.contracts.events import Event, OrderCancelled, OrderExpired, OrderRefundDue, OrderShipped
from shared.messaging.consumers import Consumers
from shared.runtime import clock

consumers = Consumers()


@consumers.on(OrderCancelled, OrderExpired)
def order_ended(event: Event) -> None:
    syncing.close_order(event.data.order_id, clock.now())


@consumers.on(OrderRefundDue)
def refund_due(event: OrderRefundDue) -> None:
    refunds.refund_due(event.data, clock.now())


@consumers.on(OrderShipped)
def order_shipped(event: OrderShipped) -> None:
    captures.capture_shipped(event.data, clock.now())
