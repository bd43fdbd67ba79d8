"""Lists of orders, newest first, for owners and for staff; queries only, no scans."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from orders.domain.orders import Order, Period
from orders.domain.transitions import Status
from orders.tables.packing import placed_key, to_order
from orders.tables.rows import SHARDS, OrderRow

FILTERED_PAGE_SIZE = 100  # orders per Query; used if a filter may exclude most of them
MAX_SAME_NUMBER = 10  # orders; a number has 50 random bits, so that two orders with one are unlikely
# bytes of packed rows per page; a response is about six times as long, and Lambda's limit is 6 MB
MAX_BYTES = 700_000


def of_owner(
    user_id: str,
    limit: int,
    after: dict[str, Any] | None,
    period: Period | None = None,
    status: Status | None = None,
) -> tuple[list[Order], dict[str, Any] | None]:
    """Return a page of the owner's placed orders and the key to continue after, None on the last page.

    It takes one Query, and more only if the filters exclude many orders.
    """
    low, high = _bounds(period or Period())
    if high < low:
        return [], None
    condition = OrderRow.placed.between(low, high)
    if status:
        condition &= OrderRow.status == status.value
    page = OrderRow.query(
        user_id,
        filter_condition=condition,
        consistent_read=True,
        scan_index_forward=False,
        page_size=max(limit + 1, FILTERED_PAGE_SIZE) if status or period else limit + 1,
        last_evaluated_key=after,
    )
    rows, last = list(islice(page, limit)), page.last_evaluated_key
    fitting = _fitting(rows)
    if len(fitting) < len(rows):
        last = {"user_id": {"S": user_id}, "order_id": {"S": fitting[-1].order_id}}
    elif last and next(page, None) is None:
        last = None  # no further order matches
    return list(map(to_order, fitting)), last


def of_all(
    limit: int, before: str | None, period: Period, status: Status | None
) -> tuple[list[Order], str | None]:
    """Return a page of all orders and the sort key to continue before, None on the last page.

    It queries all shards, merges their keys by time and reads the orders by key.
    """
    low, high = _bounds(period)
    listed = sorted(
        (
            key
            for shard in map(str, range(SHARDS))
            for key in _shard(shard, low, before or high, before is not None, limit + 1, status)
        ),
        key=lambda row: row.placed,
        reverse=True,
    )
    keys = listed[:limit]
    found = {row.order_id: row for row in OrderRow.batch_get([(k.user_id, k.order_id) for k in keys])}
    # The index is eventually consistent: an order's status may differ from the index's.
    current = [
        row for key in keys if (row := found.get(key.order_id)) and status in (None, Status(row.status))
    ]
    fitting = _fitting(current)
    if len(fitting) < len(current):
        return list(map(to_order, fitting)), fitting[-1].placed
    return list(map(to_order, fitting)), keys[-1].placed if len(listed) > limit else None


def of_number(number: str) -> list[Order]:
    """Return the placed orders with this number: almost certainly at most one."""
    keys = [(key.user_id, key.order_id) for key in OrderRow.by_number.query(number, limit=MAX_SAME_NUMBER)]
    return [order for row in OrderRow.batch_get(keys) if (order := to_order(row)).was_placed] if keys else []


def _bounds(period: Period) -> tuple[str, str]:
    """Return the lowest and the highest sort key of the period."""
    low = placed_key(period.since) if period.since else "0"
    return low, f"{placed_key(period.until)}~" if period.until else "~"


def _shard(
    shard: str, low: str, high: str, exclude_high: bool, limit: int, status: Status | None
) -> Iterable[OrderRow]:
    if high < low:
        return []
    # BETWEEN includes both ends, so the last key of the previous page is read again and skipped.
    condition = OrderRow.placed.between(low, high)
    index = OrderRow.by_status if status else OrderRow.by_placed
    partition = f"{status.value}#{shard}" if status else shard
    size = limit + exclude_high
    rows = index.query(partition, condition, scan_index_forward=False, limit=size, page_size=size)
    return islice((row for row in rows if not exclude_high or row.placed != high), limit)


def _fitting(rows: Sequence[OrderRow]) -> Sequence[OrderRow]:
    """Return the first rows that fit into a response, at least one."""
    room = MAX_BYTES
    for count, row in enumerate(rows):
        # A piece of a fulfilment or a return is about four times as long in the response as in the row.
        packed = (row.terms or "", 4 * (row.fulfilments or ""), 4 * (row.returns or ""))
        room -= sum(len(part.encode()) for part in packed)
        if count and room < 0:
            return rows[:count]
    return rows
