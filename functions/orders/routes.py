"""The HTTP routes of orders."""

from orders.domain.fulfilling import TooManyParts
from orders.domain.returning import ReturnWindowClosed
from orders.domain.transitions import IllegalTransition, ReturnStatus
from orders.schemas.requests import (
    DecideReturn,
    FulfilOrder,
    ListOrders,
    PlaceOrder,
    RequestReturn,
    SetOrderStatus,
)
from orders.schemas.responses import EntryView, InvoiceView, OrderPage, OrderView, ReturnView, Timeline
from orders.service import cancellation, fulfilling, placing, reading, returning
from shared.contracts.problems import (
    CartEmpty,
    CouponExhausted,
    OutOfStock,
    PriceChanged,
    QuoteExpired,
    ReservationReleased,
)
from shared.dynamodb.idempotency import IdempotencyKey
from shared.errors import IdempotencyKeyReused, NotFound, RequestInProgress
from shared.http.identity import CUSTOMER, GUEST, STAFF, Caller
from shared.http.paging import PageQuery
from shared.http.routing import Replayed, Routes
from shared.values.ids import new_id

routes = Routes()


@routes.post(
    "/orders",
    role=GUEST,
    status=201,
    idempotent=True,
    location="/orders/{order_id}",
    raises=(
        CartEmpty,
        OutOfStock,
        PriceChanged,
        QuoteExpired,
        CouponExhausted,
        ReservationReleased,
        IdempotencyKeyReused,
        RequestInProgress,
    ),
)
def place_order(caller: Caller, body: PlaceOrder, claim: IdempotencyKey) -> OrderView | Replayed:
    """Place an order with a quote or for the cart.

    The stock is reserved. Pay with `POST /payments` before `expires_at`; otherwise the order expires and
    its stock is released.
    """
    order, is_replayed = (
        placing.place_cart(caller, body.shipping_address, body.shipping_method, body.email, claim)
        if body.quote_token is None and body.shipping_address
        else placing.place_quoted(caller, body.quote_token or "", body.shipping_address, body.email, claim)
    )
    view = OrderView.of(order)
    return Replayed(view) if is_replayed else view


@routes.get("/orders", role=GUEST)
def list_orders(caller: Caller, query: PageQuery) -> OrderPage:
    """List the caller's orders, newest first."""
    return OrderPage.of_items(reading.list_own(caller, query.limit, query.cursor), OrderView.of)


@routes.get("/orders/{order_id}", role=GUEST, raises=(NotFound,))
def get_order(caller: Caller, order_id: str) -> OrderView:
    """Get an order. Staff can get any order."""
    return OrderView.of(reading.order_for(caller, order_id))


@routes.get("/orders/{order_id}/timeline", role=GUEST, raises=(NotFound,))
def get_timeline(caller: Caller, order_id: str) -> Timeline:
    """Get the order's history, oldest entry first."""
    return Timeline([EntryView.of(entry) for entry in reading.timeline_for(caller, order_id)])


@routes.get("/orders/{order_id}/invoice", role=GUEST, raises=(NotFound,))
def get_invoice(caller: Caller, order_id: str) -> InvoiceView:
    """Get links to the invoice of a paid order."""
    return InvoiceView.of(reading.invoice_of(caller, order_id))


@routes.post("/orders/{order_id}/cancel", role=GUEST, idempotent=True, raises=(NotFound, IllegalTransition))
def cancel_order(caller: Caller, order_id: str, key: IdempotencyKey) -> OrderView:
    """Cancel an order that is not shipped. Its stock and coupon are released and its payment is refunded."""
    return OrderView.of(cancellation.cancel(caller, order_id, key.pk))


@routes.post(
    "/orders/{order_id}/returns",
    role=CUSTOMER,
    status=201,
    idempotent=True,
    raises=(NotFound, IllegalTransition, ReturnWindowClosed, TooManyParts),
)
def request_return(caller: Caller, order_id: str, body: RequestReturn, key: IdempotencyKey) -> ReturnView:
    """Request a return of shipped goods.

    Staff decide it with `PUT /orders/{order_id}/returns/{return_id}`.
    """
    request = key.pk + key.fingerprint
    return ReturnView.of(*returning.request_return(caller, order_id, body.pieces, body.reason, request))


@routes.get("/admin/orders", role=STAFF)
def list_all_orders(query: ListOrders) -> OrderPage:
    """List all orders, newest first, filtered by status, customer, number or period."""
    found = reading.list_all(
        query.user_id, query.number, query.status, query.period, query.limit, query.cursor
    )
    return OrderPage.of_items(found, OrderView.of)


@routes.put("/orders/{order_id}/status", role=STAFF, raises=(NotFound, IllegalTransition, TooManyParts))
def set_order_status(caller: Caller, order_id: str, body: SetOrderStatus, if_match: int | None) -> OrderView:
    """Ship all unshipped pieces, mark the order as delivered, or cancel it."""
    if body.status == "shipped":
        # A PUT has no Idempotency-Key; a second one is rejected because of the order's status.
        return OrderView.of(
            fulfilling.ship(caller, order_id, None, body.carrier, body.tracking, new_id("req"), if_match)
        )
    if body.status == "delivered":
        return OrderView.of(fulfilling.deliver(caller, order_id, if_match))
    return OrderView.of(cancellation.cancel_as_staff(caller, order_id, if_match))


@routes.post(
    "/orders/{order_id}/fulfilments",
    role=STAFF,
    status=201,
    idempotent=True,
    raises=(NotFound, IllegalTransition, TooManyParts),
)
def fulfil_order(caller: Caller, order_id: str, body: FulfilOrder, key: IdempotencyKey) -> OrderView:
    """Ship some lines, or all unshipped pieces, in one fulfilment."""
    request = key.pk + key.fingerprint
    return OrderView.of(fulfilling.ship(caller, order_id, body.pieces, body.carrier, body.tracking, request))


@routes.put("/orders/{order_id}/returns/{return_id}", role=STAFF, raises=(NotFound, IllegalTransition))
def decide_return(
    caller: Caller, order_id: str, return_id: str, body: DecideReturn, if_match: int | None
) -> ReturnView:
    """Approve or reject a return, or receive its goods, which refunds them."""
    restock = body.restock is not False
    status = ReturnStatus(body.status)
    return ReturnView.of(
        *returning.decide_return(caller, order_id, return_id, status, restock, body.refund, if_match)
    )
