"""Read, decide, write; and again where somebody else wrote meanwhile."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from orders.domain.orders import Order
from orders.tables import orders
from shared.errors import NotFound, Stale
from shared.rows import Contended

TRIES = 12
PAUSE = timedelta(milliseconds=20)  # doubling: fifty rivals for one row are through in a few rounds


def change(find: Callable[[], Order | None], rule: Callable[[Order], Order]) -> Order:
    """The order as the rule leaves it. Raises NotFound, Contended, and what the rule raises."""
    changed = None
    for _ in attempts():
        order = find()
        if order is None:
            raise NotFound("There is no such order.")
        if changed and order.timeline[: len(changed.timeline)] == changed.timeline:
            return order  # the write was ours: only its answer was lost, and it was sent again
        changed = rule(order)
        if changed is order:
            return order
        try:
            orders.save(changed)
            return changed
        except orders.Overtaken:
            continue
        except Contended:
            changed = None
    raise Contended("Others are writing the same; ask again.", retry_after=1)


def expect(order: Order, if_match: int | None) -> None:
    """Raises Stale where the caller decided on another version of the order."""
    if if_match is not None and order.version != if_match:
        raise Stale(f"The order is at version {order.version} now; read it again.")


def attempts() -> Iterator[int]:
    """So many tries, with a pause before each further one."""
    for attempt in range(TRIES):
        if attempt:
            # Chance keeps rivals from meeting again; it is no secret.
            time.sleep(random.uniform(0, PAUSE.total_seconds() * 2 ** min(attempt - 1, 4)))  # noqa: S311
        yield attempt
