"""Lists of orders, newest first, for owners and for staff; queries only, no scans."""

from typing import Any

from orders.domain.orders import Order, Period
from orders.domain.transitions import Status
from orders.tables.packing import placed_key, to_order
from orders.tables.rows import SHARDS, OrderRow
from shared.dynamodb.pages import MAX_EXAMINED, Found, read_page
from shared.runtime.parallel import in_parallel

MAX_SAME_NUMBER = 10  # orders; a number has 50 random bits, so that two orders with one are unlikely
# bytes of packed rows per page; a response is about six times as long, and Lambda's limit is 6 MB
MAX_BYTES = 700_000
EMPTY = Found[Any]([], [], None)


def of_owner(
    user_id: str,
    limit: int,
    after: dict[str, Any] | None,
    period: Period | None = None,
    status: Status | None = None,
) -> Found[Order]:
    """Return a page of the owner's placed orders.

    It takes one Query, and more only if the filters exclude many orders.
    """
    low, high = _bounds(period or Period())
    if high < low:
        return EMPTY
    condition = OrderRow.placed.between(low, high)
    if status:
        condition &= OrderRow.status == status.value
    query = OrderRow.query(
        user_id,
        filter_condition=condition,
        consistent_read=True,
        scan_index_forward=False,
        page_size=MAX_EXAMINED if status or period else limit + 1,
        last_evaluated_key=after,
    )
    return _fitting(read_page(query, OrderRow, limit)).map(to_order)


def of_all(limit: int, before: str | None, period: Period, status: Status | None) -> Found[Order]:
    """Return a page of all orders.

    It queries all shards side by side, merges their keys by time and reads the orders by key.
    """
    low, high = _bounds(period)
    if (before or high) < low:
        return EMPTY

    def of_shard(shard: int) -> list[OrderRow]:
        return _shard(str(shard), low, before or high, before is not None, limit + 1, status)

    listed = [row for rows in in_parallel(of_shard, range(SHARDS)) for row in rows]
    listed.sort(key=lambda row: row.placed, reverse=True)
    keys = listed[:limit]
    found = {row.order_id: row for row in OrderRow.batch_get([(k.user_id, k.order_id) for k in keys])}
    # The index is eventually consistent: an order's status may differ from the index's.
    rows = [row for key in keys if (row := found.get(key.order_id)) and status in (None, Status(row.status))]
    last = {"before": keys[-1].placed} if len(listed) > limit else None
    return _fitting(Found(rows, [{"before": row.placed} for row in rows], last)).map(to_order)


def of_number(number: str) -> list[Order]:
    """Return the placed orders with this number by id: almost certainly at most one."""
    keys = [(key.user_id, key.order_id) for key in OrderRow.by_number.query(number, limit=MAX_SAME_NUMBER)]
    found = sorted(OrderRow.batch_get(keys) if keys else [], key=lambda row: row.order_id)
    return [order for row in found if (order := to_order(row)).was_placed]


def _bounds(period: Period) -> tuple[str, str]:
    """Return the lowest and the highest sort key of the period."""
    low = placed_key(period.since) if period.since else "0"
    return low, f"{placed_key(period.until)}~" if period.until else "~"


def _shard(
    shard: str, low: str, high: str, exclude_high: bool, limit: int, status: Status | None
) -> list[OrderRow]:
    # BETWEEN includes both ends, so the last key of the previous page is read again and skipped.
    condition = OrderRow.placed.between(low, high)
    index = OrderRow.by_status if status else OrderRow.by_placed
    partition = f"{status.value}#{shard}" if status else shard
    size = limit + exclude_high
    rows = index.query(partition, condition, scan_index_forward=False, limit=size, page_size=size)
    return [row for row in rows if not exclude_high or row.placed != high][:limit]


def _fitting(found: Found[OrderRow]) -> Found[OrderRow]:
    """Return the first rows that fit into a response, at least one."""
    room = MAX_BYTES
    for count, row in enumerate(found.items):
        # A piece of a fulfilment or a return is about four times as long in the response as in the row.
        packed = (row.terms or "", 4 * (row.fulfilments or ""), 4 * (row.returns or ""))
        room -= sum(len(part.encode()) for part in packed)
        if count and room < 0:
            return found.first(count)
    return found
