"""Payments: one row each, written in one transaction with everything that changes with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from zlib import crc32

from pynamodb.attributes import (
    BooleanAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.expressions.condition import Condition

from payments.domain import follow_ups
from payments.domain.authorizations import Authorization
from payments.domain.captures import CaptureMethod, Captures, Claim
from payments.domain.disputes import Dispute, Disputes
from payments.domain.inbox import EventStatus
from payments.domain.ledger import postings
from payments.domain.payments import OrderRef, Payment, Replacement, Status
from payments.domain.refunds import Refund, RefundTotals
from payments.domain.stripe_objects import Method, Pages, StripeRefs
from payments.tables import inbox, ledger, refunds
from payments.tables.rows import ByDue, ByOrder, PaymentsRow, key_of
from shared.dynamodb.attributes import JsonAttribute
from shared.dynamodb.pages import Found, read_page
from shared.dynamodb.rows import ConditionFailed, require_condition_failure, transaction
from shared.values import ids
from shared.values.money import Money

PAYMENT = "payment"
SHARDS = 8  # partitions of the index by-due; they allow 8,000 index writes per second


class PaymentRow(PaymentsRow):
    """pk `payment#<id>`, sk `payment`: the value objects of `Payment`, flattened. `due_at` and `due_shard` (0
    to 7, by id) exist while the sweeper must look at the payment."""

    by_order = ByOrder()
    by_due = ByDue()
    payment_id = UnicodeAttribute()
    order_id = UnicodeAttribute()
    number = UnicodeAttribute(null=True)
    user_id = UnicodeAttribute()
    email = UnicodeAttribute()
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    attempt = NumberAttribute()
    status = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    decline_id = UnicodeAttribute(null=True)
    cancel_requested = BooleanAttribute(null=True)
    capture_method = UnicodeAttribute()
    method = UnicodeAttribute()
    pages = JsonAttribute(null=True)
    intent_id = UnicodeAttribute(null=True)
    session_id = UnicodeAttribute(null=True)
    capturable = NumberAttribute(null=True)
    hold_until = UTCDateTimeAttribute(null=True)
    multicapture = BooleanAttribute(null=True)
    expiry_notified = BooleanAttribute(null=True)
    captured = NumberAttribute(null=True)
    capture_due = NumberAttribute(null=True)
    fully_shipped = BooleanAttribute(null=True)
    capture_claim = JsonAttribute(null=True)
    capture_error = UnicodeAttribute(null=True)
    captures_rejected = NumberAttribute(null=True)
    capture_request_ids = JsonAttribute(null=True)
    refund_reserved = NumberAttribute(null=True)
    refund_pending = NumberAttribute(null=True)
    refunded = NumberAttribute(null=True)
    refund_failed = NumberAttribute(null=True)
    refund_reversed = NumberAttribute(null=True)
    disputes = JsonAttribute(null=True)
    disputes_reminded = JsonAttribute(null=True)
    review = UnicodeAttribute(null=True)
    replaces = UnicodeAttribute(null=True)
    replaced_by = UnicodeAttribute(null=True)
    replaced_released = BooleanAttribute(null=True)
    republish_count = NumberAttribute(null=True)
    version = NumberAttribute()
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()
    due_shard = UnicodeAttribute(null=True)
    due_at = UTCDateTimeAttribute(null=True)

    @classmethod
    def of(cls, payment: Payment) -> "PaymentRow":
        stripe, authorization, captures = payment.stripe, payment.authorization, payment.captures
        refunds, disputes, replacement = payment.refunds, payment.disputes, payment.replacement
        due = follow_ups.due_at(payment, payment.updated_at)
        optional = {
            "reason": payment.reason,
            "decline_id": payment.decline_id,
            "cancel_requested": payment.cancel_requested,
            "pages": _to_json(stripe.pages),
            "intent_id": stripe.intent_id,
            "session_id": stripe.session_id,
            "capturable": authorization.capturable,
            "hold_until": authorization.hold_until,
            "multicapture": authorization.multicapture,
            "expiry_notified": authorization.expiry_notified,
            "captured": captures.captured,
            "capture_due": captures.due,
            "fully_shipped": captures.fully_shipped,
            "capture_claim": _to_json(captures.claim),
            "capture_error": captures.error,
            "captures_rejected": captures.rejected,
            "capture_request_ids": list(captures.request_ids),
            "refund_reserved": refunds.reserved,
            "refund_pending": refunds.pending,
            "refunded": refunds.refunded,
            "refund_failed": refunds.failed,
            "refund_reversed": refunds.reversed,
            "disputes": [_to_json(each) for each in disputes.items],
            "disputes_reminded": list(disputes.reminded),
            "review": payment.review,
            "replaces": replacement.replaces,
            "replaced_by": replacement.replaced_by,
            "replaced_released": replacement.released,
            "republish_count": payment.republish_count,
            "due_at": due,
            "due_shard": _shard_of(payment.payment_id) if due else None,
        }
        return cls(
            key_of(payment.payment_id),
            PAYMENT,
            payment_id=payment.payment_id,
            **vars(payment.order),
            amount=payment.amount.amount,
            currency=payment.amount.currency,
            attempt=payment.attempt,
            status=payment.status.value,
            capture_method=payment.capture_method.value,
            method=stripe.method.value,
            version=payment.version,
            created_at=payment.created_at,
            updated_at=payment.updated_at,
            **{name: value for name, value in optional.items() if value},  # an empty value takes no room
        )

    def payment(self) -> Payment:
        pages, claim = self.pages, self.capture_claim
        return Payment(
            payment_id=self.payment_id,
            order=OrderRef(self.order_id, self.number or "", self.user_id, self.email),
            amount=Money(amount=int(self.amount), currency=self.currency),
            attempt=int(self.attempt),
            created_at=self.created_at,
            updated_at=self.updated_at,
            status=Status(self.status),
            reason=self.reason,
            decline_id=self.decline_id,
            cancel_requested=bool(self.cancel_requested),
            capture_method=CaptureMethod(self.capture_method),
            stripe=StripeRefs(
                intent_id=self.intent_id,
                session_id=self.session_id,
                method=Method(self.method),
                pages=Pages(**_with_time(pages, "open_until")) if pages else None,
            ),
            authorization=Authorization(
                capturable=int(self.capturable or 0),
                hold_until=self.hold_until,
                multicapture=bool(self.multicapture),
                expiry_notified=bool(self.expiry_notified),
            ),
            captures=Captures(
                captured=int(self.captured or 0),
                due=int(self.capture_due or 0),
                fully_shipped=bool(self.fully_shipped),
                claim=Claim(**claim) if claim else None,
                error=self.capture_error,
                rejected=int(self.captures_rejected or 0),
                request_ids=tuple(self.capture_request_ids or ()),
            ),
            refunds=RefundTotals(
                reserved=int(self.refund_reserved or 0),
                pending=int(self.refund_pending or 0),
                refunded=int(self.refunded or 0),
                failed=int(self.refund_failed or 0),
                reversed=int(self.refund_reversed or 0),
            ),
            disputes=Disputes(
                items=tuple(Dispute(**_with_time(each, "evidence_due")) for each in self.disputes or ()),
                reminded=tuple(self.disputes_reminded or ()),
            ),
            replacement=Replacement(self.replaces, self.replaced_by, bool(self.replaced_released)),
            review=self.review,
            republish_count=int(self.republish_count or 0),
            version=int(self.version),
        )


def probe() -> None:
    """Read from the table, for the health check. Raises what DynamoDB raises."""
    payment("probe")


def payment(payment_id: str) -> Payment | None:
    """Return one payment, read consistently: 1 GetItem."""
    if len(payment_id) > ids.MAX_ID_LENGTH:
        return None
    try:
        return PaymentRow.get(key_of(payment_id), PAYMENT, consistent_read=True).payment()
    except DoesNotExist:
        return None


def payment_of(image: Mapping[str, Any]) -> Payment | None:
    """Return the payment in a stream image; None if the row is of another kind."""
    if image["sk"]["S"] != PAYMENT:
        return None
    return PaymentRow.from_raw_data(dict(image)).payment()


def payments_of(order_id: str, limit: int, start: dict[str, Any] | None) -> Found[Payment]:
    """Return a page of an order's payments, oldest first: 1 Query."""
    query = PaymentRow.by_order.query(order_id, page_size=limit + 1, last_evaluated_key=start)
    return read_page(query, PaymentRow, limit).map(PaymentRow.payment)


def due(now: datetime) -> Iterator[str]:
    """Yield the ids of the payments that the sweeper must look at: one Query per shard. Each run begins with
    another shard, so that runs that end early do not always skip the same one."""
    first = int(now.timestamp()) // 300
    for step in range(SHARDS):
        for row in PaymentRow.by_due.query(str((first + step) % SHARDS), PaymentRow.due_at <= now):
            yield row.pk.removeprefix("payment#")


def write(
    old: Payment,
    new: Payment,
    now: datetime,
    applied: str | None = None,
    changed: Sequence[Refund] = (),
) -> bool:
    """Replace `old` by `new`, and in the same transaction write the `changed` refunds and the ledger entry,
    and mark the Stripe event `applied`.

    Return False, with nothing written, if the version of `old` is outdated.
    """
    if new == old and not changed:
        if applied:
            inbox.mark(applied, EventStatus.APPLIED)
        return True
    after = replace(new, version=old.version + 1, updated_at=now)
    entry = postings(old, after)
    row, unchanged = PaymentRow.of(after), PaymentRow.version == old.version
    if not (changed or entry or applied):
        return _replace(row, unchanged)
    try:
        with transaction(PaymentsRow) as writes:
            writes.save(row, condition=unchanged)
            for refund in changed:
                writes.save(refunds.RefundRow.of(refund, now))
            if entry:
                writes.save(ledger.LedgerRow.of(entry), condition=ledger.LedgerRow.pk.does_not_exist())
            if applied:
                inbox.mark_within(writes, applied, EventStatus.APPLIED)
    except ConditionFailed:
        return False
    return True


def _replace(row: PaymentRow, unchanged: Condition) -> bool:
    """Write one row with a PutItem, which costs half as much as a transaction."""
    try:
        row.save(unchanged)
    except PutError as error:
        require_condition_failure(error)
        return False
    return True


def _shard_of(payment_id: str) -> str:
    return str(crc32(payment_id.encode()) % SHARDS)


def _to_json(value_object: Any) -> dict[str, Any] | None:
    """Return a dataclass as a JSON object."""
    if value_object is None:
        return None
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(value_object).items()
    }


def _with_time(stored: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a JSON object with the field `name` parsed as a time."""
    value = stored.get(name)
    return {**stored, name: datetime.fromisoformat(value) if value else None}
