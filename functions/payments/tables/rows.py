"""The base of the rows of `PAYMENTS_TABLE`, its indexes, and the rows of `PAYMENTS_IDEMPOTENCY_TABLE`."""

from typing import Any

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection

from payments.settings import settings
from shared.dynamodb.idempotency import IdempotencyRow as BaseIdempotencyRow
from shared.dynamodb.rows import Row, warm
from shared.runtime.aws import REGION


class IdempotencyRow(BaseIdempotencyRow):
    """Requests to open, capture or refund a payment, with their responses, for 24 hours. A response may hold
    a payment's `client_secret`, which can only pay this one payment."""

    class Meta:
        table_name = settings().payments_idempotency_table
        region = REGION


class ByOrder(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """The payments of an order, oldest first."""

    class Meta:
        index_name = "by-order"
        projection = AllProjection()

    order_id = UnicodeAttribute(hash_key=True)
    payment_id = UnicodeAttribute(range_key=True)


class ByDue(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """The payments that the sweeper must look at, by time; a sparse index."""

    class Meta:
        index_name = "by-due"
        projection = KeysOnlyProjection()

    due_shard = UnicodeAttribute(hash_key=True)
    due_at = UTCDateTimeAttribute(range_key=True)


class PaymentsRow(Row):
    """Any row of the table; all subclasses share one connection."""

    class Meta:
        table_name = settings().payments_table
        region = REGION

    # A connection has only the indexes of the class that opened it.
    by_order = ByOrder()
    by_due = ByDue()
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


def key_of(payment_id: str) -> str:
    """Return the partition key of a payment, its refunds and its ledger."""
    return f"payment#{payment_id}"


def prepare() -> None:
    """Create the client during init instead of in the first request."""
    warm(PaymentsRow)
