"""The tables' rows and their indexes."""

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from orders.settings import settings
from shared.dynamodb.idempotency import IdempotencyRow as BaseIdempotencyRow
from shared.dynamodb.idempotency import IdempotencyStore
from shared.dynamodb.rows import Row, warm
from shared.runtime.aws import REGION

SHARDS = 8  # orders spread over as many partitions of each index: 8,000 index writes a second


class ByNumber(GlobalSecondaryIndex["OrderRow"]):  # type: ignore[no-untyped-call]
    """From an order's number, and so from its id, to its owner: for staff, payments and their events."""

    class Meta:
        index_name = "by-number"
        projection = KeysOnlyProjection()

    number = UnicodeAttribute(hash_key=True)
    order_id = UnicodeAttribute(range_key=True)


class ByDeadline(GlobalSecondaryIndex["OrderRow"]):  # type: ignore[no-untyped-call]
    """Open orders by the time that they run out: for the sweeper. Closed ones are not in it."""

    class Meta:
        index_name = "by-deadline"
        projection = KeysOnlyProjection()

    shard = UnicodeAttribute(hash_key=True)
    expires_at = UTCDateTimeAttribute(range_key=True)


class ByPlaced(GlobalSecondaryIndex["OrderRow"]):  # type: ignore[no-untyped-call]
    """All placed orders by time."""

    class Meta:
        index_name = "by-placed"
        projection = KeysOnlyProjection()

    shard = UnicodeAttribute(hash_key=True)
    placed = UnicodeAttribute(range_key=True)


class ByStatus(GlobalSecondaryIndex["OrderRow"]):  # type: ignore[no-untyped-call]
    """The placed orders of a status by time."""

    class Meta:
        index_name = "by-status"
        projection = KeysOnlyProjection()

    listed = UnicodeAttribute(hash_key=True)
    placed = UnicodeAttribute(range_key=True)


class OrderRow(Row):
    """One order in one row under its owner, timeline included: each change is one write, whole or not at all.

    `terms`, `fulfilments`, `returns` and `timeline` are compact JSON (`packing.py`): an order of three lines
    stays under 1 KB when it is placed, one of 1,000 under 400 KB at its end. `shard` is 0 to 7 by the order's
    id, `listed` is `<status>#<shard>`, `placed` the time and a part of the id, so that it sorts and differs:
    both are there once the order was placed. `accounts` has (captured, version, 1 where it was let go of)
    of each payment as it was heard of, `refunded` what of it went back.
    """

    class Meta:
        table_name = settings().orders_table
        region = REGION

    user_id = UnicodeAttribute(hash_key=True)
    order_id = UnicodeAttribute(range_key=True)
    number = UnicodeAttribute()
    status = UnicodeAttribute()
    version = NumberAttribute()
    updated_at = UTCDateTimeAttribute()
    shard = UnicodeAttribute()
    listed = UnicodeAttribute(null=True)
    placed = UnicodeAttribute(null=True)
    expires_at = UTCDateTimeAttribute(null=True)
    terms = UnicodeAttribute(null=True)
    payment_id = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    rejection = JSONAttribute(null=True)
    refunds_due = JSONAttribute(null=True)
    payment_totals = JSONAttribute(null=True)
    refunded = JSONAttribute(null=True)
    fulfilments = UnicodeAttribute(null=True)
    returns = UnicodeAttribute(null=True)
    invoice = JSONAttribute(null=True)
    redeemed = JSONAttribute(null=True)
    timeline = UnicodeAttribute(null=True)

    by_number = ByNumber()
    by_deadline = ByDeadline()
    by_placed = ByPlaced()
    by_status = ByStatus()


class CounterRow(Row):
    """`coupon#<code>` and `coupon#<code>#<who>`: times redeemed; `invoices#<year>`: the last number."""

    class Meta:
        table_name = settings().orders_counters_table
        region = REGION

    pk = UnicodeAttribute(hash_key=True)
    value = NumberAttribute()


class IdempotencyRow(BaseIdempotencyRow):
    class Meta:
        table_name = settings().orders_idempotency_table
        region = REGION


idempotency = IdempotencyStore(IdempotencyRow)
warm(OrderRow, IdempotencyRow, CounterRow)
