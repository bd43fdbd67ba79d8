"""From a quote or a cart to an order that waits for its payment, once, whatever happens on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from orders.domain import placing, terms
from orders.domain.orders import Order
from orders.domain.terms import Terms
from orders.domain.transitions import Status
from orders.service.updating import MAX_DOUBLINGS, TRIES
from orders.settings import settings
from orders.tables import orders
from orders.tables.rows import idempotency
from shared.contracts import quotes
from shared.contracts.commands import QuoteCart, Reserve
from shared.contracts.problems import CouponExhausted, ForwardedProblem, ReservationReleased
from shared.contracts.quotes import Quote, ShippingAddress
from shared.dynamodb.concurrency import backoff
from shared.dynamodb.idempotency import IdempotencyKey
from shared.dynamodb.rows import ConcurrentUpdate, ConditionFailed
from shared.errors import Problem, RequestInProgress, Unavailable, invalid
from shared.http.identity import Caller
from shared.messaging import rpc
from shared.messaging.rpc import CommandRejected
from shared.runtime import clock
from shared.runtime.observability import count
from shared.runtime.secrets import secret


def place_quoted(
    caller: Caller, token: str, address: ShippingAddress | None, email: str | None, key: IdempotencyKey
) -> tuple[Order, bool]:
    """Make the quote an order: (the order, whether this request was served before).

    Three calls of DynamoDB in all: claim and open, reserve (in catalog), place. Raises ForwardedProblem (the
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
        agreed = _agreed(quote, address, email or caller.email, now)
    except Problem:
        # The quote may have run out since the first call with this key: then that call's answer still stands.
        if served := _served_before(caller, key, now):
            return served
        raise
    return _place(caller, quote, agreed, key, now, keep_terms=False)


def place_cart(
    caller: Caller, address: ShippingAddress, method: str | None, email: str | None, key: IdempotencyKey
) -> tuple[Order, bool]:
    """Make the caller's cart an order, priced now. As `place_quoted`; the cart's refusal is
    ForwardedProblem too."""
    now = clock.now()
    if served := _served_before(caller, key, now):
        return served
    question = QuoteCart(
        user_id=caller.user_id, country=address.country, shipping_address=address, shipping_method=method
    )
    try:
        quote = rpc.call(settings().cart_commands, question)
    except CommandRejected as rejection:
        raise ForwardedProblem(rejection.problem) from rejection
    agreed = _agreed(quote, address, email or caller.email, now)
    # A retry would price the cart anew: what this order holds must be what it was opened with.
    return _place(caller, quote, agreed, key, now, keep_terms=True)


def _agreed(quote: Quote, address: ShippingAddress | None, email: str, now: datetime) -> Terms:
    return terms.agreed(quote, address, email, now, timedelta(minutes=settings().orders_payment_minutes))


def _place(
    caller: Caller, quote: Quote, agreed: Terms, key: IdempotencyKey, now: datetime, *, keep_terms: bool
) -> tuple[Order, bool]:
    redemptions = terms.redemptions(quote, agreed.email)
    opened = placing.opened(
        terms.order_id_of(quote),
        caller.user_id,
        now,
        agreed if keep_terms else None,
        tuple(redemption.counter for redemption in redemptions),
    )
    try:
        _claim(key, opened, redemptions, now)
    except ConditionFailed:
        if served := _served_before(caller, key, now, agreed):
            return served
        return _same_quote(opened, key, now)
    except orders.CouponLimitError as used:
        raise _not_applicable(agreed, used.redemption) from used
    return _finish(opened, agreed, key), False


def _claim(
    key: IdempotencyKey, opened: Order, redemptions: tuple[terms.Redemption, ...], now: datetime
) -> None:
    """Open the order under its key; again while others redeem the same coupon.

    Raises ConditionFailed, UsedUp, RequestInProgress.
    """
    for _ in backoff(TRIES, MAX_DOUBLINGS):
        try:
            return orders.claim(key, opened, redemptions, now)
        except ConcurrentUpdate:
            if not redemptions:
                # Nobody but a twin of this request writes the key and the order.
                raise RequestInProgress from None
    raise ConcurrentUpdate


def _not_applicable(agreed: Terms, used: terms.Redemption) -> CouponExhausted:
    who = "you" if used.by_user else "others"
    zero = agreed.discount.zero(agreed.discount.currency)
    return CouponExhausted(
        f"{agreed.coupon} has been used by {who} as often as it may be; ask for a quote without it.",
        reason="used_by_you" if used.by_user else "used_up",
        coupon=agreed.coupon,
        discount={"quoted": agreed.discount.model_dump(), "current": zero.model_dump()},
    )


def _served_before(
    caller: Caller, key: IdempotencyKey, now: datetime, agreed: Terms | None = None
) -> tuple[Order, bool] | None:
    """The first answer to this key, or its work taken up where the first call died; None for a new key."""
    row = orders.claimed(key)
    if row is None or row.expires_at < clock.epoch(now):
        return None
    row.check_body(key)
    order = orders.find(caller.user_id, str(row.resource_id))
    if order is None:
        raise Unavailable("The order is being looked for; ask again.")
    if order.status is not Status.PENDING:
        return _first_answer(order), True
    row.check(key, now)
    agreed = order.terms or agreed
    if agreed is None:
        return None
    idempotency.take_over(row, now)
    return _finish(order, agreed, key), False


def _same_quote(opened: Order, key: IdempotencyKey, now: datetime) -> tuple[Order, bool]:
    """Another key, a quote that is an order already: two tabs, one order."""
    order = orders.find(opened.user_id, opened.order_id)
    if order is None:
        raise ConcurrentUpdate
    if order.status is Status.PENDING and order.expires_at and order.expires_at > now:
        raise RequestInProgress
    orders.bind(key, order.order_id, now)
    return _first_answer(order, now_as_it_is=True), False


def _first_answer(order: Order, *, now_as_it_is: bool = False) -> Order:
    if order.rejection:
        raise ForwardedProblem(order.rejection, None if now_as_it_is else {"Idempotent-Replayed": "true"})
    if not order.was_placed:
        raise ReservationReleased("The order ran out of time while it was being placed; order again.")
    return order if now_as_it_is else placing.as_placed(order)


def _finish(order: Order, agreed: Terms, key: IdempotencyKey) -> Order:
    """Hold the stock and place the order: each step safe to do again."""
    with _lease_of(key):
        try:
            rpc.call(settings().catalog_commands, Reserve(order_id=order.order_id, lines=list(agreed.lines)))
        except CommandRejected as rejection:
            _settle(placing.reject(order, rejection.problem, clock.now()))
            raise ForwardedProblem(rejection.problem) from rejection
        placed = placing.place(order, agreed)
        return placed if _settle(placed) else _made_by_rival(placed)


@contextmanager
def _lease_of(key: IdempotencyKey) -> Iterator[None]:
    """Where the work fails for no fault of the caller's, a retry with the key may go on at once."""
    try:
        yield
    except Problem as error:
        if error.status >= 429:
            orders.release(key)
        raise
    except BaseException:
        orders.release(key)
        raise


def _settle(order: Order) -> bool:
    """Save what placing came to, unless a rival (a second call, the sweeper) was faster; whether it did."""
    for _ in backoff(TRIES, MAX_DOUBLINGS):
        try:
            orders.save(order)
        except orders.VersionConflict:
            return False
        except ConcurrentUpdate:
            continue
        count(f"Orders{order.status.title().replace('_', '')}")
        return True
    raise ConcurrentUpdate


def _made_by_rival(order: Order) -> Order:
    current = orders.find(order.user_id, order.order_id)
    return _first_answer(current) if current else order
