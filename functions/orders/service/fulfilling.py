"""Staff ship orders, in one parcel or several, and say that they arrived."""

from collections.abc import Sequence

from orders.domain import fulfilling
from orders.domain.orders import Order
from orders.service import reading
from orders.service.updating import update_order
from shared.dynamodb.concurrency import require_version
from shared.http.identity import Caller
from shared.runtime import clock
from shared.values import ids


def ship(
    caller: Caller,
    order_id: str,
    lines: Sequence[tuple[str, int]] | None,
    carrier: str | None,
    tracking: str | None,
    request: str,
    if_match: int | None = None,
) -> Order:
    """A parcel leaves, once a request. Raises NotFound, Stale, IllegalTransition, Invalid, TooManyParts."""

    def rule(order: Order) -> Order:
        if any(ids.matches_key(parcel.fulfilment_id, request) for parcel in order.fulfilments):
            return order
        require_version(if_match, order.version)
        now = clock.now()
        parcel_id = ids.keyed_id("ful", now, request)
        return fulfilling.ship(order, parcel_id, lines, carrier, tracking, caller.user_id, now)

    return update_order(lambda: reading.anybodys(order_id), rule)


def deliver(caller: Caller, order_id: str, if_match: int | None) -> Order:
    """All of it arrived. Raises NotFound, Stale, IllegalTransition."""

    def rule(order: Order) -> Order:
        require_version(if_match, order.version)
        return fulfilling.deliver(order, caller.user_id, clock.now())

    return update_order(lambda: reading.anybodys(order_id), rule)
