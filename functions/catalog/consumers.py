"""Events in: what an order's end means for its stock. States of reservations make repeats harmless."""

from catalog import service
from shared.events import OrderCancelled, OrderExpired, OrderPaid
from shared.inbox import Consumers

consumers = Consumers()


@consumers.on(OrderPaid)
def order_paid(event: OrderPaid) -> None:
    service.commit(event.data.order_id)


@consumers.on(OrderCancelled)
def order_cancelled(event: OrderCancelled) -> None:
    service.release(event.data.order_id)


@consumers.on(OrderExpired)
def order_expired(event: OrderExpired) -> None:
    service.release(event.data.order_id)


handle = consumers.handle
