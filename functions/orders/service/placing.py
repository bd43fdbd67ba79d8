"""The orders' use cases. What happens when the process dies after a line of `place` is in the README."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from orders import domain, tables
from orders.domain import Order, PassedOn, ReservationReleased, Status
from orders.settings import settings
from shared import clock, invoke, quotes
from shared.errors import NotFound, RequestInProgress, ShopError, Unavailable, invalid
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


def place_quoted(
    caller: Caller, token: str, address: ShippingAddress | None, email: str | None, key: Key
) -> tuple[Order, bool]:
    """Make the quote an order: (the order, whether this request was served before).

    Three calls of DynamoDB in all: claim and open, reserve (in catalog), place. Raises PassedOn (the
    catalog's refusal), QuoteExpired, Invalid, IdempotencyKeyReused, RequestInProgress, Unavailable.
    """
    now = clock.now()
    try:
        quote = quotes.read(token, secret(settings().cart_quote_secret_arn)["key"], now)
        if quote.user_id != caller.user_id:
            # In the words for a forged one: whose it is, or that it is good, is nobody else's business.
            raise invalid(
                "/quote_token", "This is not a quote of this shop; ask for one with POST /cart/quote."
            )
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
    """Make the caller's cart an order, priced now. As `place_quoted`; the cart's refusal is PassedOn too."""
    now = clock.now()
    if served := _served_before(caller, key, now):
        return served
    question = QuoteCart(
        user_id=caller.user_id, country=address.country, shipping_address=address, shipping_method=method
    )
    try:
        quote = invoke.ask(settings().cart_commands, question)
    except Declined as declined:
        raise PassedOn(declined.problem) from declined
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
        raise PassedOn(order.refusal, None if now_as_it_is else {"Idempotent-Replayed": "true"})
    if not order.was_placed:
        raise ReservationReleased("The order ran out of time while it was being placed; order again.")
    return order if now_as_it_is else order.as_placed()


def _finish(order: Order, terms: domain.Terms, key: Key) -> Order:
    """Hold the stock and place the order: each step safe to do again."""
    with _lease_of(key):
        try:
            invoke.ask(settings().catalog_commands, Reserve(order_id=order.order_id, lines=list(terms.lines)))
        except Declined as declined:
            _settle(order.refuse(declined.problem, clock.now()))
            raise PassedOn(declined.problem) from declined
        placed = order.place(terms, order.user_id)
        return placed if _settle(placed) else _made_by_rival(placed)


@contextmanager
def _lease_of(key: Key) -> Iterator[None]:
    """Where the work fails for no fault of the caller's, a retry with the key may go on at once."""
    try:
        yield
    except ShopError as error:
        if error.status >= 429:
            tables.release(key)
        raise
    except BaseException:
        tables.release(key)
        raise


def _settle(order: Order) -> bool:
    """Save what placing came to, unless a rival (a second call, the sweeper) was faster; whether it did."""
    try:
        tables.save(order)
    except tables.Overtaken:
        return False
    count(f"Orders{order.status.title().replace('_', '')}")
    return True


def _made_by_rival(order: Order) -> Order:
    current = tables.find(order.user_id, order.order_id)
    return _first_answer(current) if current else order


def order_for(caller: Caller, order_id: str) -> Order:
    """The caller's own order; for staff, anybody's. Raises NotFound."""
    order = _own(caller, order_id) or (_seen(tables.find_any(order_id)) if caller.is_staff else None)
    if order is None:
        raise NotFound("There is no such order of yours.")
    return order


def _own(caller: Caller, order_id: str) -> Order | None:
    return _seen(tables.find(caller.user_id, order_id))


def _seen(order: Order | None) -> Order | None:
    """The order where it is one to those outside: it was placed."""
    return order if order and order.was_placed else None


def list_orders(caller: Caller, limit: int, cursor: str | None) -> tuple[list[Order], str | None]:
    """A page of the caller's orders, newest first, and the next page's cursor."""
    place = f"orders:{caller.user_id}"
    orders, last = tables.list_of(caller.user_id, limit, cursors.read(cursor, place))
    return [order for order in orders if order.was_placed], cursors.write(last, place)


def cancel(caller: Caller, order_id: str) -> Order:
    """Give up an order of one's own that is not paid. Raises NotFound, IllegalTransition."""
    return _change(lambda: _own(caller, order_id), lambda order: order.cancel(caller.user_id, clock.now()))


def expire_overdue(time_left: Callable[[], float]) -> int:
    """Expire what is past its deadline, while there are more than 5 s left; how many. One that a payment or
    another sweep was faster with stays as they left it."""
    expired = 0
    for user_id, order_id in tables.overdue(clock.now()):
        if time_left() < 5:
            log.warning("not all overdue orders were expired; the next run goes on")
            break
        try:
            if order := tables.find(user_id, order_id):
                tables.save(order.expire(clock.now()))
                expired += 1
        except (domain.IllegalTransition, tables.Overtaken):
            log.info("no longer overdue", extra={"order_id": order_id})
        except Exception:
            # One order that cannot be expired must not keep the others' stock.
            log.exception("not expired", extra={"order_id": order_id})
            count("ExpiryFailures")
    if expired:
        count("OrdersExpired", expired)
    return expired


def take_payment(order_id: str, payment_id: str, amount: Money) -> None:
    """A payment succeeded. Raises NotYetPlaced, NotFound: the message comes again."""
    order = _change(
        lambda: tables.find_any(order_id),
        lambda order: order.take_payment(payment_id, amount, clock.now()),
    )
    if order.status is Status.AWAITING_PAYMENT:
        log.error("a payment of another sum than the order's", extra={"order_id": order_id})
        count("PaymentAmountDiffers")


def note_failed_payment(order_id: str, reason: str, event_id: str) -> None:
    """A payment failed; the order waits on."""
    _change(
        lambda: tables.find_any(order_id),
        lambda order: order.note_failed_payment(reason, event_id, clock.now()),
    )


def _change(find: Callable[[], Order | None], change: Callable[[Order], Order]) -> Order:
    """Read, decide, write; again where somebody else wrote meanwhile. Raises NotFound, Contended."""
    for _ in range(TRIES):
        order = find()
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
    order = _seen(tables.find_any(order_id))
    if order is None:
        raise NotFound("There is no such order.")
    return order


def facts(order: Order) -> OrderFacts:
    """The order as others need to know it; one that was never placed has no lines and no sums."""
    terms = order.terms if order.was_placed else None
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
