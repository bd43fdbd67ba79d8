"""Events in: the catalog keeps the replica fresh, an order takes what it took, and gives its coupon back."""

from cart.service import carts, coupons, replica
from shared.contracts.events import OrderCancelled, OrderExpired, OrderPlaced, ProductArchived, ProductChanged
from shared.messaging.consumers import Consumers

consumers = Consumers()


@consumers.on(ProductChanged)
def product_changed(event: ProductChanged) -> None:
    replica.learn(event.data)


@consumers.on(ProductArchived)
def product_archived(event: ProductArchived) -> None:
    replica.learn(event.data.model_copy(update={"active": False}))


@consumers.on(OrderPlaced)
def order_placed(event: OrderPlaced) -> None:
    carts.forget_ordered(event.data)


@consumers.on(OrderCancelled)
def order_cancelled(event: OrderCancelled) -> None:
    coupons.give_back(event.data)


@consumers.on(OrderExpired)
def order_expired(event: OrderExpired) -> None:
    coupons.give_back(event.data)
