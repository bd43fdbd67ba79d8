"""Shipment and delivery by staff."""

from collections.abc import Sequence

from orders.domain import fulfilling
from orders.domain.orders import Order
from orders.domain.transitions import Status
from orders.service import reading
from orders.service.updating import update_order
from orders.tables import orders
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
    """Ship lines (None: all), once per request.

    Raises NotFound, Stale, IllegalTransition, Invalid, TooManyParts.
    """

    def rule(order: Order) -> Order:
        if any(ids.matches_key(fulfilment.fulfilment_id, request) for fulfilment in order.fulfilments):
            return order
        require_version(if_match, order.version)
        now = clock.now()
        fulfilment_id = ids.keyed_id("ful", now, request)
        shipped = fulfilling.ship(order, fulfilment_id, lines, carrier, tracking, caller.user_id, now)
        if shipped.status is Status.PARTIALLY_SHIPPED:  # the fulfilment that completes the order is accepted
            orders.check_room(shipped)
        return shipped

    return update_order(lambda: reading.any_order(order_id), rule)


def deliver(caller: Caller, order_id: str, if_match: int | None) -> Order:
    """Mark the order as delivered. Raises NotFound, Stale, IllegalTransition."""

    def rule(order: Order) -> Order:
        require_version(if_match, order.version)
        return fulfilling.deliver(order, caller.user_id, clock.now())

    return update_order(lambda: reading.any_order(order_id), rule)
