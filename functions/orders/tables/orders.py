"""Orders found, opened and changed, each change under the version that it was decided on."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pynamodb.exceptions import PutError, QueryError
from pynamodb.transactions import TransactWrite

from orders.domain.orders import Order, number_of
from orders.domain.terms import Redemption
from orders.tables.packing import to_order, to_row
from orders.tables.rows import SHARDS, CounterRow, OnceRow, OrderRow, once
from shared import ids
from shared.idempotency import Key
from shared.observe import log
from shared.rows import Refused, refused_by_condition, transaction, unavailable


class Overtaken(Exception):
    """Another writer came between the read and the write: read again."""


class UsedUp(Exception):
    """The coupon's limit is reached; `redemption` says which of them."""

    def __init__(self, redemption: Redemption) -> None:
        super().__init__(redemption.counter)
        self.redemption = redemption


def probe() -> None:
    """Touch the table: raises where it cannot be read."""
    find("health", "health")


def find(user_id: str, order_id: str) -> Order | None:
    """The owner's order: one GetItem. Nobody else's is ever found."""
    if len(order_id) > ids.MAX_ID:
        return None
    try:
        return to_order(OrderRow.get(user_id, order_id, consistent_read=True))
    except OrderRow.DoesNotExist:
        return None


def find_any(order_id: str) -> Order | None:
    """Whoever's order it is: one Query of the index for the owner, one GetItem."""
    if len(order_id) > ids.MAX_ID:
        return None
    for keys in OrderRow.by_number.query(number_of(order_id), OrderRow.order_id == order_id, limit=1):
        return find(keys.user_id, order_id)
    return None


def overdue(now: datetime) -> Iterator[tuple[str, str]]:
    """(owner, order id) of every open order whose time is over: a Query a shard, each minute another first,
    so that a run that is cut short does not always leave the same ones. A shard that is not to be read now
    is left to the next minute's run.
    """
    for step in range(SHARDS):
        shard = (now.minute + step) % SHARDS
        try:
            for keys in OrderRow.by_deadline.query(str(shard), OrderRow.expires_at <= now):
                yield keys.user_id, keys.order_id
        except QueryError as error:
            if not unavailable(error):
                raise
            log.warning("deadlines not read", extra={"shard": shard}, exc_info=error)


def claim(key: Key, order: Order, redemptions: Sequence[Redemption], now: datetime) -> None:
    """Take the key, write the new order and redeem its coupon: all of it or nothing.

    Raises Refused where the key or the order is there already, UsedUp where the coupon is at its limit,
    Contended where another transaction holds one of the rows.
    """
    try:
        with transaction(OrderRow) as writes:
            writes.save(once.fresh(key, order.order_id, now), once.is_free(now))
            writes.save(to_row(order), OrderRow.order_id.does_not_exist())
            for redemption in redemptions:
                writes.update(
                    CounterRow(redemption.counter),
                    [CounterRow.value.set((CounterRow.value | 0) + 1)],
                    CounterRow.value.does_not_exist() | (CounterRow.value < redemption.limit),
                )
    except Refused as refused:
        if not (refused.refused(0) or refused.refused(1)):
            raise UsedUp(
                next(r for place, r in enumerate(redemptions, 2) if refused.refused(place))
            ) from refused
        raise


def bind(key: Key, order_id: str, now: datetime) -> None:
    """Take another key for an order that is there already."""
    try:
        once.fresh(key, order_id, now).save(once.is_free(now))
    except PutError as error:
        refused_by_condition(error)


def claimed(key: Key) -> OnceRow | None:
    """What the key was taken for, or None."""
    try:
        return OnceRow.get(key.pk, consistent_read=True)
    except OnceRow.DoesNotExist:
        return None


def release(key: Key) -> None:
    """The first call failed for no fault of the caller's: a retry may go on at once."""
    once.release(OnceRow(pk=key.pk, expires_at=0))


def save(order: Order) -> None:
    """Write the order's next version, and let go of the coupon that it no longer holds, both or neither.

    Raises Overtaken unless the row is at the version before, Contended where a coupon is in great demand.
    """
    if order.released:
        _save_releasing(order)
        return
    try:
        to_row(order).save(_unchanged(order))
    except PutError as error:
        refused_by_condition(error)
        raise Overtaken(order.order_id) from None


def _save_releasing(order: Order) -> None:
    try:
        with transaction(OrderRow) as writes:
            put(writes, order)
            for counter in order.released:
                writes.update(CounterRow(counter), [CounterRow.value.set(CounterRow.value - 1)])
    except Refused:
        raise Overtaken(order.order_id) from None


def put(writes: TransactWrite, order: Order) -> None:
    """Write the order's next version in a transaction."""
    writes.save(to_row(order), _unchanged(order))


def _unchanged(order: Order) -> Any:
    return OrderRow.version == order.version - 1
