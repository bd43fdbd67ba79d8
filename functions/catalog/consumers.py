"""Consumers of order events that commit, release and restock.

Repeated events change nothing: reservations have states, and each return is recorded.
"""

from catalog.domain import Pieces
from catalog.service import inventory, reservations
from shared.contracts.events.orders import OrderCancelled, OrderExpired, OrderPaid, OrderReturned
from shared.messaging.consumers import Consumers

consumers = Consumers()


@consumers.on(OrderPaid)
def order_paid(event: OrderPaid) -> None:
    reservations.commit(event.data.order_id)


@consumers.on(OrderCancelled)
def order_cancelled(event: OrderCancelled) -> None:
    reservations.release(event.data.order_id)


@consumers.on(OrderExpired)
def order_expired(event: OrderExpired) -> None:
    reservations.release(event.data.order_id)


@consumers.on(OrderReturned)
def order_returned(event: OrderReturned) -> None:
    if event.data.restock:
        pieces = [Pieces(line.product_id, line.sku, line.quantity) for line in event.data.lines]
        inventory.restock(event.data.return_id, pieces)
