"""Read, decide, write; and again where somebody else wrote meanwhile."""

from collections.abc import Callable

from orders.domain.orders import Order
from orders.tables import orders
from shared.dynamodb.concurrency import backoff
from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import NotFound

TRIES, MAX_DOUBLINGS = 12, 4


def update_order(find: Callable[[], Order | None], rule: Callable[[Order], Order]) -> Order:
    """The order as the rule leaves it. Raises NotFound, ConcurrentUpdate, and what the rule raises."""
    changed = None
    for _ in backoff(TRIES, MAX_DOUBLINGS):
        order = find()
        if order is None:
            raise NotFound("There is no such order.")
        if changed and order.timeline[: len(changed.timeline)] == changed.timeline:
            return order  # the write was ours: only its answer was lost, and it was sent again
        ruled = rule(order)
        if ruled is order:
            return order
        # What leaves nothing on the timeline is decided anew: it changes nothing where it is known.
        changed = ruled if len(ruled.timeline) > len(order.timeline) else None
        try:
            orders.save(ruled)
            return ruled
        except orders.VersionConflict:
            continue
        except ConcurrentUpdate:
            changed = None
    raise ConcurrentUpdate
