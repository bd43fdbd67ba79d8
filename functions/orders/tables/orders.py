"""Orders found, opened and changed, each change under the version that it was decided on."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pynamodb.exceptions import PutError, QueryError
from pynamodb.transactions import TransactWrite

from orders.domain.orders import Order, number_of
from orders.domain.terms import Redemption
from orders.tables.packing import to_order, to_row
from orders.tables.rows import SHARDS, CounterRow, IdempotencyRow, OrderRow, idempotency
from shared.dynamodb.idempotency import IdempotencyKey
from shared.dynamodb.rows import ConditionFailed, require_condition_failure, transaction, unavailable
from shared.runtime.observability import log
from shared.values import ids


class VersionConflict(Exception):
    """Another writer came between the read and the write: read again."""


class CouponLimitError(Exception):
    """The coupon's limit is reached; `redemption` says which of them."""

    def __init__(self, redemption: Redemption) -> None:
        super().__init__(redemption.counter)
        self.redemption = redemption


def probe() -> None:
    """Touch the table: raises where it cannot be read."""
    find("health", "health")


def find(user_id: str, order_id: str) -> Order | None:
    """The owner's order: one GetItem. Nobody else's is ever found."""
    if len(order_id) > ids.MAX_ID_LENGTH:
        return None
    try:
        return to_order(OrderRow.get(user_id, order_id, consistent_read=True))
    except OrderRow.DoesNotExist:
        return None


def find_any(order_id: str) -> Order | None:
    """Whoever's order it is: one Query of the index for the owner, one GetItem."""
    if len(order_id) > ids.MAX_ID_LENGTH:
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


def claim(key: IdempotencyKey, order: Order, redemptions: Sequence[Redemption], now: datetime) -> None:
    """Take the key, write the new order and redeem its coupon: all of it or nothing.

    Raises ConditionFailed where the key or the order is there already, UsedUp where the coupon is at its
    limit, Contended where another transaction holds one of the rows.
    """
    try:
        with transaction(OrderRow) as writes:
            writes.save(idempotency.new_row(key, order.order_id, now), idempotency.is_unclaimed(now))
            writes.save(to_row(order), OrderRow.order_id.does_not_exist())
            for redemption in redemptions:
                writes.update(
                    CounterRow(redemption.counter),
                    [CounterRow.value.set((CounterRow.value | 0) + 1)],
                    CounterRow.value.does_not_exist() | (CounterRow.value < redemption.limit),
                )
    except ConditionFailed as refused:
        if not (refused.failed_at(0) or refused.failed_at(1)):
            raise CouponLimitError(
                next(r for place, r in enumerate(redemptions, 2) if refused.failed_at(place))
            ) from refused
        raise


def bind(key: IdempotencyKey, order_id: str, now: datetime) -> None:
    """Take another key for an order that is there already."""
    try:
        idempotency.new_row(key, order_id, now).save(idempotency.is_unclaimed(now))
    except PutError as error:
        require_condition_failure(error)


def claimed(key: IdempotencyKey) -> IdempotencyRow | None:
    """What the key was taken for, or None."""
    try:
        return IdempotencyRow.get(key.pk, consistent_read=True)
    except IdempotencyRow.DoesNotExist:
        return None


def release(key: IdempotencyKey) -> None:
    """The first call failed for no fault of the caller's: a retry may go on at once."""
    idempotency.release(IdempotencyRow(pk=key.pk, expires_at=0))


def save(order: Order) -> None:
    """Write the order's next version, and let go of the coupon that it no longer holds, both or neither.

    Raises VersionConflict unless the row is at the version before, ConcurrentUpdate where a coupon is in
    great demand.
    """
    if order.released:
        _save_releasing(order)
        return
    try:
        to_row(order).save(_unchanged(order))
    except PutError as error:
        require_condition_failure(error)
        raise VersionConflict(order.order_id) from None


def _save_releasing(order: Order) -> None:
    try:
        with transaction(OrderRow) as writes:
            put(writes, order)
            for counter in order.released:
                writes.update(CounterRow(counter), [CounterRow.value.set(CounterRow.value - 1)])
    except ConditionFailed:
        raise VersionConflict(order.order_id) from None


def put(writes: TransactWrite, order: Order) -> None:
    """Write the order's next version in a transaction."""
    writes.save(to_row(order), _unchanged(order))


def _unchanged(order: Order) -> Any:
    return OrderRow.version == order.version - 1
