"""Consumers of events from catalog and orders."""

from cart.service import ordered, replica
from shared.contracts.events.catalog import ProductArchived, ProductChanged
from shared.contracts.events.envelope import Event
from shared.contracts.events.orders import OrderCancelled, OrderExpired, OrderPlaced
from shared.messaging.consumers import Consumers

consumers = Consumers()


@consumers.on(ProductChanged, ProductArchived)
def product_changed(event: Event) -> None:
    replica.update(event)


@consumers.on(OrderPlaced)
def order_placed(event: OrderPlaced) -> None:
    ordered.remove_ordered(event.data)


@consumers.on(OrderCancelled, OrderExpired)
def order_ended(event: Event) -> None:
    ordered.release_coupon(event.data)
