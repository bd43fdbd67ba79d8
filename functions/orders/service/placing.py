"""The placement of an order: quote the cart, claim the key, reserve the stock, place the order."""

from datetime import datetime, timedelta

from orders.domain import placing, terms
from orders.domain.orders import Order
from orders.domain.terms import Redemption, Terms
from orders.service import recovery
from orders.service.updating import MAX_DOUBLINGS, TRIES
from orders.settings import settings
from orders.tables import orders
from shared.contracts import quotes
from shared.contracts.commands.cart import QuoteCart
from shared.contracts.commands.stock import Reserve
from shared.contracts.problems import CouponExhausted, ForwardedProblem
from shared.contracts.quotes import Quote, ShippingAddress
from shared.dynamodb.concurrency import VersionConflict, backoff
from shared.dynamodb.idempotency import IdempotencyKey
from shared.dynamodb.rows import ConcurrentUpdate, ConditionFailed
from shared.errors import Problem, RequestInProgress, invalid
from shared.http.identity import Caller
from shared.messaging import rpc
from shared.messaging.rpc import CommandRejected
from shared.runtime import clock
from shared.runtime.observability import count
from shared.runtime.secrets import secret


def place_quoted(
    caller: Caller, token: str, address: ShippingAddress | None, email: str | None, key: IdempotencyKey
) -> tuple[Order, bool]:
    """Place an order with a quote; return it, and whether it is the response to an earlier request.

    It takes three DynamoDB calls: claim, reserve (in catalog), place. Raises ForwardedProblem (catalog
    rejected), CouponExhausted, QuoteExpired, Invalid, IdempotencyKeyReused, RequestInProgress, Unavailable.
    """
    now = clock.now()
    try:
        quote = _read_quote(caller, token, now)
        agreed = _agree(quote, address, email or caller.email, now)
    except Problem:
        # The quote may have expired since the first request with this key, whose response is still due.
        if recovered := _recover(caller, key, now):
            return recovered
        raise
    return _place(caller, quote, agreed, key, now, keep_terms=False)


def place_cart(
    caller: Caller, address: ShippingAddress, method: str | None, email: str | None, key: IdempotencyKey
) -> tuple[Order, bool]:
    """Place an order for the caller's cart at its current prices, like `place_quoted`.

    ForwardedProblem may also be cart's.
    """
    now = clock.now()
    if recovered := _recover(caller, key, now):
        return recovered
    quote = _quote_cart(caller, address, method)
    agreed = _agree(quote, address, email or caller.email, now)
    # A retry would get a different quote, so the pending order must store its terms.
    return _place(caller, quote, agreed, key, now, keep_terms=True)


def _read_quote(caller: Caller, token: str, now: datetime) -> Quote:
    quote = quotes.read(token, secret(settings().cart_quote_secret_arn)["key"], now)
    if quote.user_id != caller.user_id:
        # The same text as for a forged quote, so that it reveals nothing about other shoppers' quotes.
        raise invalid("/quote_token", "This is not a quote of this shop; request one with POST /cart/quote.")
    return quote


def _quote_cart(caller: Caller, address: ShippingAddress, method: str | None) -> Quote:
    command = QuoteCart(
        user_id=caller.user_id, country=address.country, shipping_address=address, shipping_method=method
    )
    try:
        return rpc.call(settings().cart_commands, command)
    except CommandRejected as rejection:
        raise ForwardedProblem(rejection.problem) from rejection


def _agree(quote: Quote, address: ShippingAddress | None, email: str, now: datetime) -> Terms:
    return terms.agree(quote, address, email, now, timedelta(minutes=settings().orders_payment_minutes))


def _place(
    caller: Caller, quote: Quote, agreed: Terms, key: IdempotencyKey, now: datetime, *, keep_terms: bool
) -> tuple[Order, bool]:
    redemptions = terms.redemptions(quote, agreed.email)
    pending = placing.open_order(
        terms.order_id_of(quote),
        caller.user_id,
        now,
        agreed if keep_terms else None,
        tuple(redemption.counter for redemption in redemptions),
    )
    try:
        _claim(key, pending, redemptions, now)
    except ConditionFailed:
        recovered = _recover(caller, key, now, agreed)
        return recovered or (recovery.order_of_same_quote(pending, key, now), False)
    except orders.CouponLimitError as error:
        raise _coupon_exhausted(agreed, error.redemption) from error
    return _reserve_and_place(pending, agreed, key), False


def _claim(key: IdempotencyKey, pending: Order, redemptions: tuple[Redemption, ...], now: datetime) -> None:
    """Claim the key, write the pending order and redeem its coupon in one transaction.

    Raises ConditionFailed (the key or the order exists), CouponLimitError, RequestInProgress.
    """
    for _ in backoff(TRIES, MAX_DOUBLINGS):
        try:
            return orders.claim(key, pending, redemptions, now)
        except ConcurrentUpdate:
            if not redemptions:
                # Without a coupon counter, only the same request sent twice writes these rows.
                raise RequestInProgress from None
    raise ConcurrentUpdate


def _coupon_exhausted(agreed: Terms, redemption: Redemption) -> CouponExhausted:
    user = "you" if redemption.by_user else "all shoppers"
    zero = agreed.discount.zero(agreed.discount.currency)
    return CouponExhausted(
        f"The coupon {agreed.coupon} has reached its limit for {user}; request a quote without it.",
        reason="used_by_you" if redemption.by_user else "used_up",
        coupon=agreed.coupon,
        discount={"quoted": agreed.discount.model_dump(), "current": zero.model_dump()},
    )


def _reserve_and_place(pending: Order, agreed: Terms, key: IdempotencyKey) -> Order:
    """Reserve the stock and place the order; both steps are idempotent."""
    with recovery.lease_released_on_failure(key):
        try:
            command = Reserve(order_id=pending.order_id, lines=list(agreed.lines))
            rpc.call(settings().catalog_commands, command)
        except CommandRejected as rejection:
            _save(placing.reject(pending, rejection.problem, clock.now()))
            raise ForwardedProblem(rejection.problem) from rejection
        placed = placing.place(pending, agreed)
        return placed if _save(placed) else recovery.current_response(placed)


def _save(order: Order) -> bool:
    """Save the placed or rejected order; return False if another call or the sweeper changed it first."""
    for _ in backoff(TRIES, MAX_DOUBLINGS):
        try:
            orders.save(order)
        except VersionConflict:
            return False
        except ConcurrentUpdate:
            continue
        count(f"Orders{order.status.title().replace('_', '')}")
        return True
    raise ConcurrentUpdate


def _recover(
    caller: Caller, key: IdempotencyKey, now: datetime, agreed: Terms | None = None
) -> tuple[Order, bool] | None:
    """Return the order of an earlier request with this key, after completing it if that request died."""
    earlier = recovery.find_earlier(caller, key, now, agreed)
    if earlier and earlier.missing_terms:
        return _reserve_and_place(earlier.order, earlier.missing_terms, key), False
    return (earlier.order, True) if earlier else None
