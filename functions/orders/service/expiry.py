"""The sweeper, which expires overdue orders."""

from collections.abc import Callable

from orders.domain import cancellation
from orders.domain.transitions import IllegalTransition
from orders.tables import orders
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.rows import ConcurrentUpdate
from shared.runtime import clock
from shared.runtime.observability import count, log

MIN_SECONDS_LEFT = 5  # seconds; an order expires in less, and the next run continues a minute later


def expire_overdue(seconds_left: Callable[[], float]) -> int:
    """Expire overdue orders until fewer than MIN_SECONDS_LEFT remain; return how many were expired.

    An order that a payment or another sweep changed at the same time is skipped.
    """
    expired = 0
    for user_id, order_id in orders.overdue(clock.now()):
        if seconds_left() < MIN_SECONDS_LEFT:
            log.warning("sweep interrupted; the next run continues")
            break
        try:
            if order := orders.find(user_id, order_id):
                orders.save(cancellation.expire(order, clock.now()))
                expired += 1
        except (IllegalTransition, VersionConflict):
            log.info("order changed before expiry", extra={"order_id": order_id})
        except ConcurrentUpdate:
            log.info("expiry postponed; the order's coupon is busy", extra={"order_id": order_id})
        except Exception:
            # One order that cannot be expired must not block the stock of the others.
            log.exception("expiry failed", extra={"order_id": order_id})
            count("ExpiryFailures")
    if expired:
        count("OrdersExpired", expired)
    return expired
