"""The issue of invoice numbers: one per order, without gaps, many orders per transaction."""

from collections.abc import Iterator, Mapping, Sequence

from orders.domain.invoicing import needs_invoice
from orders.domain.orders import Order
from orders.service.updating import MAX_DOUBLINGS, TRIES
from orders.tables import counters, orders
from shared.dynamodb.concurrency import VersionConflict, backoff
from shared.dynamodb.rows import ConcurrentUpdate
from shared.runtime import clock

# orders per transaction; DynamoDB accepts 100 writes, and a smaller transaction conflicts less often
MAX_ORDERS = 25
MAX_BYTES = 1_000_000  # bytes per transaction; the length is estimated, and DynamoDB accepts 4 MB


def issue(owners: Mapping[str, str]) -> dict[str, Order]:
    """Give each paid order an invoice number if it has none; return the paid orders by id.

    `owners` maps each order's id to its owner, so that an order is one read. All numbers of a year come from
    one row, so transactions are serialized; numbering many orders in each keeps them few. Raises
    ConcurrentUpdate after repeated conflicts.
    """
    for _ in backoff(TRIES, MAX_DOUBLINGS):
        rows = (orders.find(user_id, order_id) for order_id, user_id in owners.items())
        found = [order for order in rows if order and order.was_paid]
        invoiced = {order.order_id: order for order in found if order.invoice}
        try:
            for batch in _batches([order for order in found if needs_invoice(order)]):
                now = clock.now()
                issued = counters.issue(counters.invoice_series(now.year), batch, now)
                invoiced |= {order.order_id: order for order in issued}
            return invoiced
        except VersionConflict:
            continue
    raise ConcurrentUpdate


def _batches(found: Sequence[Order]) -> Iterator[list[Order]]:
    batch: list[Order] = []
    size = 0
    for order in found:
        length = 300 * len(order.agreed_terms.lines)
        if batch and (len(batch) == MAX_ORDERS or size + length > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(order)
        size += length
    if batch:
        yield batch
