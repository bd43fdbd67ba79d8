"""Reads and writes of orders; every write is conditional on the version that was read."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pynamodb.exceptions import PutError, QueryError
from pynamodb.transactions import TransactWrite

from orders.domain.fulfilling import TooManyParts
from orders.domain.orders import Order, number_of
from orders.domain.terms import Redemption
from orders.tables.packing import to_order, to_row
from orders.tables.rows import SHARDS, CounterRow, IdempotencyRow, OrderRow, idempotency
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.idempotency import IdempotencyKey
from shared.dynamodb.rows import ConditionFailed, as_unavailable, require_condition_failure, transaction
from shared.dynamodb.sizes import size_of
from shared.runtime.observability import log
from shared.values import ids

# bytes of an order's row with a new fulfilment or return; the rest of 400 KB is for the entries of staff's
# decisions and of other services, which must always be written
MAX_ROW_WITH_PARTS = 280_000


class CouponLimitError(Exception):
    """The coupon's limit is reached: the one of `redemption`."""

    def __init__(self, redemption: Redemption) -> None:
        super().__init__(redemption.counter)
        self.redemption = redemption


def probe() -> None:
    """Raise if the table cannot be read."""
    find("health", "health")


def find(user_id: str, order_id: str) -> Order | None:
    """Return the owner's order with one GetItem; None if it does not exist or belongs to somebody else."""
    if len(order_id) > ids.MAX_ID_LENGTH:
        return None
    try:
        return to_order(OrderRow.get(user_id, order_id, consistent_read=True))
    except OrderRow.DoesNotExist:
        return None


def find_any(order_id: str) -> Order | None:
    """Return anybody's order: one Query of an index for the owner, then one GetItem."""
    if len(order_id) > ids.MAX_ID_LENGTH:
        return None
    for keys in OrderRow.by_number.query(number_of(order_id), OrderRow.order_id == order_id, limit=1):
        return find(keys.user_id, order_id)
    return None


def overdue(now: datetime) -> Iterator[tuple[str, str]]:
    """Yield (owner, order id) of every open order past its deadline: one Query per shard.

    Each minute starts with another shard, so an interrupted run does not always skip the same ones. A shard
    that is unavailable is left to the next run.
    """
    for step in range(SHARDS):
        shard = (now.minute + step) % SHARDS
        try:
            for keys in OrderRow.by_deadline.query(str(shard), OrderRow.expires_at <= now):
                yield keys.user_id, keys.order_id
        except QueryError as error:
            if not as_unavailable(error):
                raise
            log.warning("deadline query failed", extra={"shard": shard}, exc_info=error)


def claim(key: IdempotencyKey, order: Order, redemptions: Sequence[Redemption], now: datetime) -> None:
    """Claim the key, write the new order and redeem its coupon in one transaction.

    Raises ConditionFailed if the key or the order exists, CouponLimitError if the coupon's limit is reached,
    ConcurrentUpdate if another transaction writes one of the rows.
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
    except ConditionFailed as failure:
        if not (failure.failed_at(0) or failure.failed_at(1)):
            raise CouponLimitError(
                next(each for position, each in enumerate(redemptions, 2) if failure.failed_at(position))
            ) from failure
        raise


def bind(key: IdempotencyKey, order_id: str, now: datetime) -> None:
    """Claim a further key for an existing order, unless the key is already claimed."""
    try:
        idempotency.new_row(key, order_id, now).save(idempotency.is_unclaimed(now))
    except PutError as error:
        require_condition_failure(error)


def claimed(key: IdempotencyKey) -> IdempotencyRow | None:
    """Return the key's row, or None if it was never claimed."""
    try:
        return IdempotencyRow.get(key.pk, consistent_read=True)
    except IdempotencyRow.DoesNotExist:
        return None


def release(key: IdempotencyKey) -> None:
    """End the key's lease after a temporary failure, so that a retry continues at once."""
    idempotency.release(IdempotencyRow(pk=key.pk, expires_at=0))


def check_room(order: Order) -> None:
    """Raise TooManyParts if the row has no room for the entries that must always be written."""
    if size_of(to_row(order).serialize()) > MAX_ROW_WITH_PARTS:
        raise TooManyParts("The order has too many fulfilments or returns; put more pieces into one.")


def save(order: Order) -> None:
    """Write the order's next version and release its `released` coupon counters in one transaction.

    Raises VersionConflict unless the row has the previous version, ConcurrentUpdate if another transaction
    writes one of the rows.
    """
    if order.released:
        _save_releasing(order)
        return
    try:
        to_row(order).save(_is_previous_version(order))
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
    """Add the write of the order's next version to a transaction."""
    writes.save(to_row(order), _is_previous_version(order))


def _is_previous_version(order: Order) -> Any:
    return OrderRow.version == order.version - 1
