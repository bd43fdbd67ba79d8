"""HTTP in."""

from orders import service
from orders.schemas import EntryView, OrderPage, OrderView, PlaceOrder, Timeline
from shared.http import Replayed, Routes
from shared.idempotency import Key
from shared.identity import GUEST, Caller
from shared.paging import PageQuery

routes = Routes()


@routes.post("/orders", role=GUEST, status=201, idempotent=True)
def place_order(caller: Caller, body: PlaceOrder, once: Key) -> OrderView | Replayed:
    """Place an order, from a quote or straight from the cart."""
    order, again = (
        service.place_cart(caller, body.shipping_address, body.shipping_method, body.email, once)
        if body.quote_token is None and body.shipping_address
        else service.place_quoted(caller, body.quote_token or "", body.shipping_address, body.email, once)
    )
    view = OrderView.of(order)
    return Replayed(view) if again else view


@routes.get("/orders", role=GUEST)
def list_orders(caller: Caller, query: PageQuery) -> OrderPage:
    """The caller's orders, newest first."""
    orders, cursor = service.list_orders(caller, query.limit, query.cursor)
    return OrderPage(items=[OrderView.of(order) for order in orders], next_cursor=cursor)


@routes.get("/orders/{order_id}", role=GUEST)
def get_order(caller: Caller, order_id: str) -> OrderView:
    """One order of the caller's."""
    return OrderView.of(service.order_for(caller, order_id))


@routes.get("/orders/{order_id}/timeline", role=GUEST)
def get_timeline(caller: Caller, order_id: str) -> Timeline:
    """What happened to the order, in order."""
    return Timeline([EntryView.of(entry) for entry in service.order_for(caller, order_id).timeline])


@routes.post("/orders/{order_id}/cancel", role=GUEST, idempotent=True)
def cancel_order(caller: Caller, order_id: str) -> OrderView:
    """Give up an order that is not paid."""
    return OrderView.of(service.cancel(caller, order_id))
