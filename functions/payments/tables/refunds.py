"""Refunds: rows in the partition of their payment, written only together with it."""

from datetime import datetime
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist

from payments.domain.refunds import Refund, RefundStatus
from payments.tables.rows import PaymentsRow, key_of
from shared.dynamodb.pages import Found, read_page
from shared.values import ids


class RefundRow(PaymentsRow):
    """pk `payment#<id>`, sk `ref_…`, which sorts by creation. Written only under the version of the payment
    that was read before its refunds, so that each is created once."""

    amount = NumberAttribute()
    reason = UnicodeAttribute()
    status = UnicodeAttribute()
    provider_id = UnicodeAttribute(null=True)
    already_refunded = BooleanAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()

    @classmethod
    def of(cls, refund: Refund, now: datetime) -> "RefundRow":
        return cls(
            key_of(refund.payment_id),
            refund.refund_id,
            amount=refund.amount,
            reason=refund.reason,
            status=refund.status.value,
            provider_id=refund.provider_id,
            already_refunded=refund.already_refunded or None,
            created_at=refund.created_at,
            updated_at=now,
        )

    def refund(self) -> Refund:
        return Refund(
            refund_id=self.sk,
            payment_id=self.pk.removeprefix("payment#"),
            amount=int(self.amount),
            reason=self.reason,
            created_at=self.created_at,
            status=RefundStatus(self.status),
            provider_id=self.provider_id,
            already_refunded=bool(self.already_refunded),
        )


def refund(payment_id: str, refund_id: str) -> Refund | None:
    """Return one refund, read consistently."""
    if len(payment_id) > ids.MAX_ID_LENGTH:
        return None
    try:
        return RefundRow.get(key_of(payment_id), refund_id, consistent_read=True).refund()
    except DoesNotExist:
        return None


def refunds_of(payment_id: str) -> list[Refund]:
    """Return all refunds of a payment, read consistently, oldest first."""
    if len(payment_id) > ids.MAX_ID_LENGTH:
        return []
    rows = RefundRow.query(key_of(payment_id), RefundRow.sk.startswith("ref_"), consistent_read=True)
    return [row.refund() for row in rows]


def page(payment_id: str, limit: int, start: dict[str, Any] | None) -> Found[Refund]:
    """Return a page of a payment's refunds, oldest first: 1 Query."""
    query = RefundRow.query(
        key_of(payment_id),
        RefundRow.sk.startswith("ref_"),
        page_size=limit + 1,
        last_evaluated_key=start,
    )
    return read_page(query, RefundRow, limit).map(RefundRow.refund)
