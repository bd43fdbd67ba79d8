"""Events in: the catalog keeps the replica fresh, an order empties what it took."""

from cart import service
from shared.events import OrderPlaced, ProductArchived, ProductChanged
from shared.inbox import Consumers

consumers = Consumers()


@consumers.on(ProductChanged)
def product_changed(event: ProductChanged) -> None:
    service.learn(event.data)


@consumers.on(ProductArchived)
def product_archived(event: ProductArchived) -> None:
    service.learn(event.data.model_copy(update={"active": False}))


@consumers.on(OrderPlaced)
def order_placed(event: OrderPlaced) -> None:
    service.forget_ordered(event.data)
