"""Cancellations by owners and by staff."""

from orders.domain import cancellation
from orders.domain.orders import Order
from orders.service import reading
from orders.service.updating import update_order
from shared.dynamodb.concurrency import require_version
from shared.http.identity import Caller
from shared.runtime import clock
from shared.values import ids


def cancel(caller: Caller, order_id: str, request: str) -> Order:
    """Cancel the caller's own unshipped order, once per request. Raises NotFound, IllegalTransition."""
    return update_order(
        lambda: reading.own_order(caller, order_id),
        lambda order: cancellation.cancel(order, caller.user_id, request, clock.now()),
    )


def cancel_as_staff(caller: Caller, order_id: str, if_match: int | None) -> Order:
    """Cancel any unshipped order. Raises NotFound, Stale, IllegalTransition."""
    request = ids.new_id("req")

    def rule(order: Order) -> Order:
        require_version(if_match, order.version)
        return cancellation.cancel(order, caller.user_id, request, clock.now())

    return update_order(lambda: reading.any_order(order_id), rule)
