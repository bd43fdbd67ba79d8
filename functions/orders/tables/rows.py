"""The rows of orders' tables and their indexes."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from orders.settings import settings
from shared.dynamodb.attributes import JsonAttribute
from shared.dynamodb.idempotency import IdempotencyRow as BaseIdempotencyRow
from shared.dynamodb.idempotency import IdempotencyStore
from shared.dynamodb.rows import Row, warm
from shared.runtime.aws import REGION

SHARDS = 8  # partitions per index; they allow 8,000 index writes per second


class ByNumber(GlobalSecondaryIndex["OrderRow"]):  # type: ignore[no-untyped-call]
    """Orders by number, which follows from the id: leads from either to the owner."""

    class Meta:
        index_name = "by-number"
        projection = KeysOnlyProjection()

    number = UnicodeAttribute(hash_key=True)
    order_id = UnicodeAttribute(range_key=True)


class ByDeadline(GlobalSecondaryIndex["OrderRow"]):  # type: ignore[no-untyped-call]
    """Open orders by deadline, for the sweeper. Other orders have no `expires_at` and are not indexed."""

    class Meta:
        index_name = "by-deadline"
        projection = KeysOnlyProjection()

    shard = UnicodeAttribute(hash_key=True)
    expires_at = UTCDateTimeAttribute(range_key=True)


class ByPlaced(GlobalSecondaryIndex["OrderRow"]):  # type: ignore[no-untyped-call]
    """All placed orders by time of placement."""

    class Meta:
        index_name = "by-placed"
        projection = KeysOnlyProjection()

    shard = UnicodeAttribute(hash_key=True)
    placed = UnicodeAttribute(range_key=True)


class ByStatus(GlobalSecondaryIndex["OrderRow"]):  # type: ignore[no-untyped-call]
    """Placed orders by status and time of placement."""

    class Meta:
        index_name = "by-status"
        projection = KeysOnlyProjection()

    listed = UnicodeAttribute(hash_key=True)
    placed = UnicodeAttribute(range_key=True)


class OrderRow(Row):
    """An order with its timeline under its owner: each change is one write of the whole row.

    `terms`, `fulfilments`, `returns` and `timeline` are compact JSON (`packing.py`), so an order of three
    lines takes less than 1 KB when it is placed, and one of 1,000 lines at most 400 KB. `shard` is 0 to 7,
    derived from the id. `listed` is `<status>#<shard>`; `placed` is the time and a part of the id, which
    makes it unique. Both are set once the order is placed. `payment_totals` is (captured, version, 1 if
    voided) by payment; `refunded` is the refunded amount by payment.
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
    rejection = JsonAttribute(null=True)
    refunds_due = JsonAttribute(null=True)
    payment_totals = JsonAttribute(null=True)
    refunded = JsonAttribute(null=True)
    fulfilments = UnicodeAttribute(null=True)
    returns = UnicodeAttribute(null=True)
    invoice = JsonAttribute(null=True)
    redeemed = JsonAttribute(null=True)
    timeline = UnicodeAttribute(null=True)

    by_number = ByNumber()
    by_deadline = ByDeadline()
    by_placed = ByPlaced()
    by_status = ByStatus()


class CounterRow(Row):
    """A counter: redemptions of `coupon#<code>` and `coupon#<code>#<shopper>`, the last number of
    `invoices#<year>`."""

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
