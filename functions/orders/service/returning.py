"""Returns: requested by customers, decided and received by staff."""

from collections.abc import Sequence
from datetime import timedelta

from orders.domain import returning
from orders.domain.orders import Order, Return
from orders.domain.transitions import ReturnStatus
from orders.service import reading
from orders.service.updating import update_order
from orders.settings import settings
from orders.tables import orders
from shared.dynamodb.concurrency import require_version
from shared.http.identity import Caller
from shared.runtime import clock
from shared.values import ids
from shared.values.money import Money


def request_return(
    caller: Caller, order_id: str, lines: Sequence[tuple[str, int]], reason: str, request: str
) -> tuple[Order, Return]:
    """Request a return of goods of the caller's own order, once per request.

    Raises NotFound, IllegalTransition, ReturnWindowClosed, Invalid, TooManyParts.
    """
    window = timedelta(days=settings().orders_return_days)

    def rule(order: Order) -> Order:
        if any(ids.matches_key(return_.return_id, request) for return_ in order.returns):
            return order
        now = clock.now()
        returned = returning.request(order, ids.keyed_id("ret", now, request), lines, reason, window, now)
        orders.check_room(returned)
        return returned

    order = update_order(lambda: reading.own_order(caller, order_id), rule)
    return order, next(each for each in order.returns if ids.matches_key(each.return_id, request))


def decide_return(
    caller: Caller,
    order_id: str,
    return_id: str,
    status: ReturnStatus,
    restock: bool,
    refund: Money | None,
    if_match: int | None,
) -> tuple[Order, Return]:
    """Approve, reject or receive a return. Raises NotFound, Stale, IllegalTransition, Invalid."""

    def rule(order: Order) -> Order:
        require_version(if_match, order.version)
        now = clock.now()
        if status is ReturnStatus.RECEIVED:
            return returning.receive(order, return_id, restock, refund, caller.user_id, now)
        approved = status is ReturnStatus.APPROVED
        return returning.decide(order, return_id, approved, caller.user_id, now)

    order = update_order(lambda: reading.any_order(order_id), rule)
    return order, returning.find(order, return_id)
