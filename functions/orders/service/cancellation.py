"""Orders given up: cancelled by their owners or by staff, expired by the sweeper."""

from collections.abc import Callable

from orders.domain import cancellation
from orders.domain.orders import Order
from orders.domain.transitions import IllegalTransition
from orders.service import reading
from orders.service.updating import update_order
from orders.tables import orders
from shared.dynamodb.concurrency import require_version
from shared.dynamodb.rows import ConcurrentUpdate
from shared.http.identity import Caller
from shared.runtime import clock
from shared.runtime.observability import count, log
from shared.values import ids


def cancel(caller: Caller, order_id: str, request: str) -> Order:
    """Give up an order of one's own, not shipped yet, once a request. Raises NotFound, IllegalTransition."""
    return update_order(
        lambda: reading.own(caller, order_id),
        lambda order: cancellation.cancel(order, caller.user_id, request, clock.now()),
    )


def cancel_as_staff(caller: Caller, order_id: str, if_match: int | None) -> Order:
    """As `cancel`, anybody's order. Raises Stale too."""
    request = ids.new_id("req")

    def rule(order: Order) -> Order:
        require_version(if_match, order.version)
        return cancellation.cancel(order, caller.user_id, request, clock.now())

    return update_order(lambda: reading.anybodys(order_id), rule)


def expire_overdue(time_left: Callable[[], float]) -> int:
    """Expire what is past its deadline, while there are more than 5 s left; how many. One that a payment or
    another sweep was faster with stays as they left it."""
    expired = 0
    for user_id, order_id in orders.overdue(clock.now()):
        if time_left() < 5:
            log.warning("not all overdue orders were expired; the next run goes on")
            break
        try:
            if order := orders.find(user_id, order_id):
                orders.save(cancellation.expire(order, clock.now()))
                expired += 1
        except (IllegalTransition, orders.VersionConflict):
            log.info("no longer overdue", extra={"order_id": order_id})
        except ConcurrentUpdate:
            log.info("others hold its coupon; the next run goes on", extra={"order_id": order_id})
        except Exception:
            # One order that cannot be expired must not keep the others' stock.
            log.exception("not expired", extra={"order_id": order_id})
            count("ExpiryFailures")
    if expired:
        count("OrdersExpired", expired)
    return expired
