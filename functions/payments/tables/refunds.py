"""Refunds: rows beside their payment, written only together with it."""

from datetime import datetime
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist

from payments.domain.refunds import Refund, RefundStatus
from payments.tables.rows import PaymentsRow, key_of
from shared.values import ids


class RefundRow(PaymentsRow):
    """pk `payment#<id>`, sk `ref_…`, which sorts by when it was made. Written only under the version of the
    payment that was read before its refunds were, so that each is made once."""

    amount = NumberAttribute()
    why = UnicodeAttribute()
    status = UnicodeAttribute()
    provider_id = UnicodeAttribute(null=True)
    settled = BooleanAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()

    @classmethod
    def of(cls, refund: Refund, now: datetime) -> "RefundRow":
        return cls(
            key_of(refund.payment_id),
            refund.refund_id,
            amount=refund.amount,
            why=refund.reason,
            status=refund.status.value,
            provider_id=refund.provider_id,
            settled=refund.settled or None,
            created_at=refund.created_at,
            updated_at=now,
        )

    def refund(self) -> Refund:
        return Refund(
            refund_id=self.sk,
            payment_id=self.pk.removeprefix("payment#"),
            amount=int(self.amount),
            reason=self.why,
            created_at=self.created_at,
            status=RefundStatus(self.status),
            provider_id=self.provider_id,
            settled=bool(self.settled),
        )


def refund(payment_id: str, refund_id: str) -> Refund | None:
    """One refund, read consistently."""
    if len(payment_id) > ids.MAX_ID_LENGTH:
        return None
    try:
        return RefundRow.get(key_of(payment_id), refund_id, consistent_read=True).refund()
    except DoesNotExist:
        return None


def refunds_of(payment_id: str) -> list[Refund]:
    """All refunds of a payment, read consistently, oldest first."""
    if len(payment_id) > ids.MAX_ID_LENGTH:
        return []
    rows = RefundRow.query(key_of(payment_id), RefundRow.sk.startswith("ref_"), consistent_read=True)
    return [row.refund() for row in rows]


def page(
    payment_id: str, limit: int, start: dict[str, Any] | None
) -> tuple[list[Refund], dict[str, Any] | None]:
    """Some of a payment's refunds, oldest first, and the key to go on after: 1 Query."""
    found = RefundRow.query(
        key_of(payment_id),
        RefundRow.sk.startswith("ref_"),
        limit=limit,
        page_size=limit + 1,
        last_evaluated_key=start,
    )
    return [row.refund() for row in found], found.last_evaluated_key
