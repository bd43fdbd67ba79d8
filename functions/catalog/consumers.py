"""Events in: what becomes of an order's stock. States of reservations and marks make repeats harmless."""

from catalog.domain import Pieces
from catalog.service import reserving, shelves
from shared.contracts.events import OrderCancelled, OrderExpired, OrderPaid, OrderReturned
from shared.messaging.consumers import Consumers

consumers = Consumers()


@consumers.on(OrderPaid)
def order_paid(event: OrderPaid) -> None:
    reserving.commit(event.data.order_id)


@consumers.on(OrderCancelled)
def order_cancelled(event: OrderCancelled) -> None:
    reserving.release(event.data.order_id)


@consumers.on(OrderExpired)
def order_expired(event: OrderExpired) -> None:
    reserving.release(event.data.order_id)


@consumers.on(OrderReturned)
def order_returned(event: OrderReturned) -> None:
    back = event.data
    if back.restock:
        pieces = [Pieces(line.product_id, line.sku, line.quantity) for line in back.lines]
        shelves.restock(back.return_id, pieces)


handle = consumers.handle
