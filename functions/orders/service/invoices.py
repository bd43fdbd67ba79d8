"""Invoice numbers: gapless and once an order, as the law wants them, many orders at a time."""

from collections.abc import Iterator, Sequence

from orders.domain.invoicing import wants_invoice
from orders.domain.orders import Order
from orders.service.updating import MAX_DOUBLINGS, TRIES
from orders.tables import counters, orders
from shared.dynamodb.concurrency import backoff
from shared.dynamodb.rows import ConcurrentUpdate
from shared.runtime import clock

AT_ONCE = 25  # orders of a transaction, or less: DynamoDB takes 4 MB in one
MAX_BYTES = 1_000_000


def issue(order_ids: Sequence[str]) -> dict[str, Order]:
    """The paid ones of these orders, each with its invoice's number, given now where it had none.

    The year's numbers come from one row, so they are given to many orders in one transaction: not the orders
    but the transactions queue up for it. Raises ConcurrentUpdate where others are always faster.
    """
    wanted = list(dict.fromkeys(order_ids))
    for _ in backoff(TRIES, MAX_DOUBLINGS):
        found = [order for order_id in wanted if (order := orders.find_any(order_id)) and order.was_paid]
        done = {order.order_id: order for order in found if order.invoice}
        try:
            for group in _groups([order for order in found if wants_invoice(order)]):
                now = clock.now()
                issued = counters.issue(counters.book(now.year), group, now)
                done |= {order.order_id: order for order in issued}
            return done
        except orders.VersionConflict:
            continue
    raise ConcurrentUpdate


def _groups(found: Sequence[Order]) -> Iterator[list[Order]]:
    group: list[Order] = []
    size = 0
    for order in found:
        length = 300 * len(order.agreed.lines)
        if group and (len(group) == AT_ONCE or size + length > MAX_BYTES):
            yield group
            group, size = [], 0
        group.append(order)
        size += length
    if group:
        yield group
