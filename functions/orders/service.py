"""The orders' use cases. What happens when the process dies after a line of `place` is in the README."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from orders import domain, tables
from orders.domain import Order, Status
from orders.settings import settings
from shared import clock, invoke, quotes
from shared.errors import Conflict, NotFound, RequestInProgress, ShopError, Unavailable, invalid
from shared.events import OrderFacts, OrderLineFacts
from shared.idempotency import Key
from shared.identity import Caller
from shared.invoke import Declined
from shared.money import Money
from shared.observe import count, log
from shared.paging import Cursors
from shared.questions import QuoteCart, Reserve
from shared.quotes import Quote, ShippingAddress
from shared.rows import Contended, Refused
from shared.secrets import secret

TRIES = 8

cursors = Cursors(lambda: secret(settings().orders_cursor_secret_arn)["key"])


class OutOfStock(Conflict):
    """Not all of it is there: `items` says what lacks."""


class PriceChanged(Conflict):
    """It costs something else now: `items` says what was quoted and what it is."""


class CartEmpty(Conflict):
    """There is nothing to order."""


class ReservationReleased(Conflict):
    """The order was given up while it was being placed."""


DECLINED: dict[str, type[ShopError]] = {
    "out-of-stock": OutOfStock,
    "price-changed": PriceChanged,
    "cart-empty": CartEmpty,
    "reservation-released": ReservationReleased,
}


def place_quoted(
    caller: Caller, token: str, address: ShippingAddress | None, email: str | None, key: Key
) -> tuple[Order, bool]:
    """Make the quote an order: (the order, whether this request was served before).

    Three calls of DynamoDB in all: claim and open, reserve (in catalog), place. Raises OutOfStock,
    PriceChanged, QuoteExpired, Invalid, IdempotencyKeyReused, RequestInProgress, Unavailable.
    """
    now = clock.now()
    try:
        quote = quotes.read(token, secret(settings().cart_quote_secret_arn)["key"], now)
        if quote.user_id != caller.user_id:
            raise invalid("/quote_token", "This is not a quote of yours; ask for one with POST /cart/quote.")
        terms = _agreed(quote, address, email or caller.email, now)
    except ShopError:
        # The quote may have run out since the first call with this key: then that call's answer still stands.
        if served := _served_before(caller, key, now):
            return served
        raise
    return _place(caller, domain.order_id_of(quote), terms, key, now, keep_terms=False)


def place_cart(
    caller: Caller, address: ShippingAddress, method: str | None, email: str | None, key: Key
) -> tuple[Order, bool]:
    """Make the caller's cart an order, priced now. As `place_quoted`, and raises CartEmpty."""
    now = clock.now()
    if served := _served_before(caller, key, now):
        return served
    question = QuoteCart(
        user_id=caller.user_id, country=address.country, shipping_address=address, shipping_method=method
    )
    try:
        quote = invoke.ask(settings().cart_commands, question)
    except Declined as declined:
        raise as_error(declined.problem) from declined
    terms = _agreed(quote, address, email or caller.email, now)
    # A retry would price the cart anew: what this order holds must be what it was opened with.
    return _place(caller, domain.order_id_of(quote), terms, key, now, keep_terms=True)


def _agreed(quote: Quote, address: ShippingAddress | None, email: str, now: datetime) -> domain.Terms:
    return domain.agreed(quote, address, email, now, timedelta(minutes=settings().orders_payment_minutes))


def _place(
    caller: Caller, order_id: str, terms: domain.Terms, key: Key, now: datetime, *, keep_terms: bool
) -> tuple[Order, bool]:
    opened = domain.opened(order_id, caller.user_id, now, terms if keep_terms else None)
    try:
        tables.claim(key, opened, now)
    except Refused:
        if served := _served_before(caller, key, now, terms):
            return served
        return _same_quote(opened, terms, key, now)
    return _finish(opened, terms, key), False


def _served_before(
    caller: Caller, key: Key, now: datetime, terms: domain.Terms | None = None
) -> tuple[Order, bool] | None:
    """The first answer to this key, or its work taken up where the first call died; None for a new key."""
    row = tables.claimed(key)
    if row is None or row.expires_at < clock.epoch(now):
        return None
    row.check_body(key)
    order = tables.find(caller.user_id, str(row.effect))
    if order is None:
        raise Unavailable("The order is being looked for; ask again.")
    if order.status is not Status.PENDING:
        return _first_answer(order), True
    row.check(key, now)
    terms = order.terms or terms
    if terms is None:
        return None
    tables.once.take_over(row, now)
    return _finish(order, terms, key), False


def _same_quote(opened: Order, terms: domain.Terms, key: Key, now: datetime) -> tuple[Order, bool]:
    """Another key, a quote that is an order already: two tabs, one order."""
    order = tables.find(opened.user_id, opened.order_id)
    if order is None:
        raise Contended("Others are writing the same; ask again.", retry_after=1)
    if order.status is Status.PENDING and order.expires_at and order.expires_at > now:
        raise RequestInProgress
    tables.bind(key, order.order_id, now)
    return _first_answer(order, now_as_it_is=True), False


def _first_answer(order: Order, *, now_as_it_is: bool = False) -> Order:
    if order.refusal:
        raise as_error(order.refusal, {"Idempotent-Replayed": "true"})
    if order.terms is None:
        raise ReservationReleased("The order ran out of time while it was being placed; order again.")
    return order if now_as_it_is else order.as_placed()


def _finish(order: Order, terms: domain.Terms, key: Key) -> Order:
    """Hold the stock and place the order: each step safe to do again."""
    try:
        invoke.ask(settings().catalog_commands, Reserve(order_id=order.order_id, lines=list(terms.lines)))
    except Declined as declined:
        refused = order.refuse(declined.problem, clock.now())
        _save_or(refused, lambda _: None)
        raise as_error(declined.problem) from declined
    except Unavailable:
        tables.release(key)
        raise
    placed = order.place(terms, order.user_id)
    return _save_or(placed, _first_answer)


def _save_or(order: Order, otherwise: Callable[[Order], Any]) -> Order:
    """Save, or look at what a rival (a second call, the sweeper) made of the order."""
    try:
        tables.save(order)
    except tables.Overtaken:
        current = tables.find(order.user_id, order.order_id)
        return otherwise(current) or order if current else order
    count(f"Orders{order.status.title().replace('_', '')}")
    return order


def as_error(problem: dict[str, Any], headers: dict[str, str] | None = None) -> ShopError:
    """A neighbour's refusal as our own answer, with its particulars."""
    kind = DECLINED.get(str(problem["type"]).removeprefix("/problems/"), Conflict)
    told = {"type", "title", "status", "detail", "request_id"}
    extra = {name: value for name, value in problem.items() if name not in told}
    return kind(str(problem["detail"]), headers=headers, **extra)


def order_for(caller: Caller, order_id: str) -> Order:
    """The caller's own order; for staff, anybody's. Raises NotFound."""
    order = tables.find(caller.user_id, order_id) or (tables.find_any(order_id) if caller.is_staff else None)
    if order is None or order.terms is None:
        raise NotFound("There is no such order of yours.")
    return order


def list_orders(caller: Caller, limit: int, cursor: str | None) -> tuple[list[Order], str | None]:
    """A page of the caller's orders, newest first, and the next page's cursor."""
    place = f"orders:{caller.user_id}"
    orders, last = tables.list_of(caller.user_id, limit, cursors.read(cursor, place))
    return [order for order in orders if order.terms], cursors.write(last, place)


def cancel(caller: Caller, order_id: str) -> Order:
    """Give up an order that is not paid. Raises NotFound, IllegalTransition."""
    order_for(caller, order_id)
    return _change(order_id, lambda order: order.cancel(caller.user_id, clock.now()))


def expire_overdue(time_left: Callable[[], float]) -> int:
    """Expire what is past its deadline, while there are more than 5 s left; how many. One that a payment or
    another sweep was faster with stays as they left it."""
    expired = 0
    for user_id, order_id in tables.overdue(clock.now()):
        if time_left() < 5:
            log.warning("not all overdue orders were expired; the next run goes on")
            break
        order = tables.find(user_id, order_id)
        try:
            if order:
                tables.save(order.expire(clock.now()))
                expired += 1
        except (domain.IllegalTransition, tables.Overtaken):
            log.info("no longer overdue", extra={"order_id": order_id})
    if expired:
        count("OrdersExpired", expired)
    return expired


def take_payment(order_id: str, payment_id: str, amount: Money) -> None:
    """A payment succeeded. Raises NotYetPlaced, NotFound: the message comes again."""
    _change(order_id, lambda order: order.take_payment(payment_id, amount, clock.now()))


def note_failed_payment(order_id: str, reason: str, event_id: str) -> None:
    """A payment failed; the order waits on."""
    _change(order_id, lambda order: order.note_failed_payment(reason, event_id, clock.now()))


def _change(order_id: str, change: Callable[[Order], Order]) -> Order:
    """Read, decide, write; again where somebody else wrote meanwhile."""
    for _ in range(TRIES):
        order = tables.find_any(order_id)
        if order is None:
            raise NotFound("There is no such order.")
        changed = change(order)
        if changed is order:
            return order
        try:
            tables.save(changed)
            return changed
        except tables.Overtaken:
            continue
    raise Contended("Others are writing the same; ask again.", retry_after=1)


def describe(order_id: str) -> Order:
    """Anybody's order, for another service. Raises NotFound."""
    order = tables.find_any(order_id)
    if order is None or order.terms is None:
        raise NotFound("There is no such order.")
    return order


def facts(order: Order) -> OrderFacts:
    """The order as others need to know it; one that was never placed has no lines and no sums."""
    terms = order.terms
    zero = Money.zero("GBP")
    lines = [OrderLineFacts(**line.model_dump()) for line in terms.lines] if terms else []
    return OrderFacts(
        order_id=order.order_id,
        user_id=order.user_id,
        email=terms.email if terms else "",
        status=order.status.value,
        lines=lines,
        subtotal=terms.subtotal if terms else zero,
        discount=terms.discount if terms else zero,
        shipping=terms.shipping if terms else zero,
        tax=terms.tax if terms else zero,
        total=terms.total if terms else zero,
        placed_at=terms.placed_at if terms else order.changed_at,
        expires_at=order.expires_at,
        reason=order.reason,
    )
