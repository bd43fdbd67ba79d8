"""Lists of orders, newest first: an owner's, and everybody's for staff; queries, never a scan."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from orders.domain.orders import Order, Period
from orders.domain.transitions import Status
from orders.tables.packing import placed_key, to_order
from orders.tables.rows import SHARDS, OrderRow

SEARCHED = 100  # orders a Query looks at where few may be wanted
MAX_BYTES = 700_000  # of packed terms in a page: shown, they are some six times as long; Lambda answers 6 MB


def of_owner(
    user_id: str,
    limit: int,
    after: dict[str, Any] | None,
    period: Period | None = None,
    status: Status | None = None,
) -> tuple[list[Order], dict[str, Any] | None]:
    """A page of the owner's placed orders, and the key to go on after, None on the last: one Query, more only
    where many that never were placed, or are of another status or time, lie between."""
    least, greatest = _bounds(period or Period())
    if greatest < least:
        return [], None
    wanted = OrderRow.placed.between(least, greatest)
    if status:
        wanted &= OrderRow.status == status.value
    page = OrderRow.query(
        user_id,
        filter_condition=wanted,
        consistent_read=True,
        scan_index_forward=False,
        page_size=max(limit + 1, SEARCHED) if status or period else limit + 1,
        last_evaluated_key=after,
    )
    rows, last = list(islice(page, limit)), page.last_evaluated_key
    shown = _fitting(rows)
    if len(shown) < len(rows):
        last = {"user_id": {"S": user_id}, "order_id": {"S": shown[-1].order_id}}
    elif last and next(page, None) is None:
        last = None  # nothing that is wanted follows
    return list(map(to_order, shown)), last


def of_all(
    limit: int, before: str | None, period: Period, status: Status | None
) -> tuple[list[Order], str | None]:
    """A page of everybody's orders, and the sort key to go on before, None on the last.

    Eight partitions are queried side by side and merged by time; the orders are then read by their keys.
    """
    least, greatest = _bounds(period)
    listed = sorted(
        (
            key
            for shard in map(str, range(SHARDS))
            for key in _shard(shard, least, before or greatest, before is not None, limit + 1, status)
        ),
        key=lambda row: row.placed,
        reverse=True,
    )
    keys = listed[:limit]
    found = {row.order_id: row for row in OrderRow.batch_get([(k.user_id, k.order_id) for k in keys])}
    # The index follows a moment later: an order may by now be of another status than it was listed under.
    current = [
        row for key in keys if (row := found.get(key.order_id)) and status in (None, Status(row.status))
    ]
    shown = _fitting(current)
    if len(shown) < len(current):
        return list(map(to_order, shown)), shown[-1].placed
    return list(map(to_order, shown)), keys[-1].placed if len(listed) > limit else None


def of_number(number: str) -> list[Order]:
    """The order (by all odds one) that people call by this number."""
    keys = [(key.user_id, key.order_id) for key in OrderRow.by_number.query(number, limit=10)]
    return [order for row in OrderRow.batch_get(keys) if (order := to_order(row)).was_placed] if keys else []


def _bounds(period: Period) -> tuple[str, str]:
    """The least and the greatest sort key of the period."""
    least = placed_key(period.since) if period.since else "0"
    return least, f"{placed_key(period.until)}~" if period.until else "~"


def _shard(
    shard: str, least: str, greatest: str, exclusive: bool, limit: int, status: Status | None
) -> Iterable[OrderRow]:
    if greatest < least:
        return []
    # BETWEEN includes both ends: one more is read, and the one that the last page ended with left out.
    wanted = OrderRow.placed.between(least, greatest)
    index = OrderRow.by_status if status else OrderRow.by_placed
    name = f"{status.value}#{shard}" if status else shard
    rows = index.query(
        name, wanted, scan_index_forward=False, limit=limit + exclusive, page_size=limit + exclusive
    )
    return islice((row for row in rows if not exclusive or row.placed != greatest), limit)


def _fitting(rows: Sequence[OrderRow]) -> Sequence[OrderRow]:
    """As many of the first as an answer has room for: one at least."""
    room = MAX_BYTES
    for count, row in enumerate(rows):
        # Shown, a piece in a parcel or a return is some four times as long as it is kept.
        kept = (row.terms or "", 4 * (row.fulfilments or ""), 4 * (row.returns or ""))
        room -= sum(len(part.encode()) for part in kept)
        if count and room < 0:
            return rows[:count]
    return rows
