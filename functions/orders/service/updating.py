"""Optimistic updates of an order: read, decide, write, and retry on a version conflict."""

from collections.abc import Callable

from orders.domain.orders import Order
from orders.tables import orders
from shared.dynamodb.concurrency import VersionConflict, backoff
from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import NotFound
from shared.runtime import observability

TRIES = 12  # tries; consumers, staff and the sweeper write the same order, and an event must not be lost
MAX_DOUBLINGS = 4  # doublings; the last pauses are at most 320 ms, so all tries end within a request


def update_order(find: Callable[[], Order | None], rule: Callable[[Order], Order]) -> Order:
    """Apply the rule to the order and save the result; save nothing if the rule returns the same order.

    Raises NotFound, ConcurrentUpdate, and what the rule raises.
    """
    written = None
    for _ in backoff(TRIES, MAX_DOUBLINGS):
        order = find()
        if order is None:
            raise NotFound("The order does not exist.")
        if written and _is_stored(written, order):
            return order  # botocore repeated a write whose response was lost, and the first one succeeded
        changed = rule(order)
        if changed is order:
            return order
        # Only timeline entries identify a write. Rules that add none change nothing when repeated.
        written = changed if len(changed.timeline) > len(order.timeline) else None
        try:
            orders.save(changed)
            return changed
        except VersionConflict:
            continue
        except ConcurrentUpdate:
            written = None
    raise ConcurrentUpdate


def _is_stored(written: Order, found: Order) -> bool:
    """Return whether the order that was found has the timeline entries of this request's write.

    Another request can write equal entries in the same millisecond, so the version itself must be this
    request's.
    """
    if found.timeline[: len(written.timeline)] != written.timeline:
        return False
    return found.version > written.version or found.request_id == observability.request_id()
