"""What the rows of `PAYMENTS_TABLE` share: keys, connection, indexes; and `PAYMENTS_IDEMPOTENCY_TABLE`."""

from typing import Any

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection

from payments.settings import settings
from shared.dynamodb.idempotency import IdempotencyRow as BaseIdempotencyRow
from shared.dynamodb.rows import Row, warm
from shared.runtime.aws import REGION


class IdempotencyRow(BaseIdempotencyRow):
    """Requests to open, capture or refund a payment, with their answers: for 24 hours that holds a payment's
    `client_secret`, which is of use for paying this one payment and nothing else."""

    class Meta:
        table_name = settings().payments_idempotency_table
        region = REGION


class ByOrder(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """An order's payments, oldest first."""

    class Meta:
        index_name = "by-order"
        projection = AllProjection()

    order_id = UnicodeAttribute(hash_key=True)
    payment_id = UnicodeAttribute(range_key=True)


class ByDue(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Payments that somebody must look at again, by when; the others are not in it."""

    class Meta:
        index_name = "by-due"
        projection = KeysOnlyProjection()

    due_shard = UnicodeAttribute(hash_key=True)
    due_at = UTCDateTimeAttribute(range_key=True)


class PaymentsRow(Row):
    """Any row of the table; its subclasses share its connection."""

    class Meta:
        table_name = settings().payments_table
        region = REGION

    # The connection knows the indexes of the class that opened it.
    by_order = ByOrder()
    by_due = ByDue()
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


def key_of(payment_id: str) -> str:
    """The partition that a payment shares with its refunds and its ledger."""
    return f"payment#{payment_id}"


def prepare() -> None:
    """Make the client during init, not in the first request."""
    warm(PaymentsRow)
