"""Payments, a row each, and all that changes with one: in one transaction, under the version read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any
from zlib import crc32

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import DoesNotExist

from payments.domain import holds
from payments.domain.captures import Claim
from payments.domain.disputes import Dispute
from payments.domain.inbox import EventStatus
from payments.domain.ledger import postings
from payments.domain.payments import Capture, Method, Pages, Payment, Status
from payments.domain.refunds import Refund
from payments.tables import inbox, ledger, refunds
from payments.tables.rows import ByDue, ByOrder, PaymentsRow, key_of
from shared.dynamodb.rows import ConditionFailed, transaction
from shared.values import ids
from shared.values.money import Money

PAYMENT = "payment"
SHARDS = 8


class PaymentRow(PaymentsRow):
    """pk `payment#<id>`, sk `payment`; its attributes are the fields of `Payment`. `due_at` and `due_shard`
    (0 to 7, by its id) are there while somebody must look again."""

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
    method = UnicodeAttribute(null=True)
    capture = UnicodeAttribute(null=True)
    pages = JSONAttribute(null=True)
    status = UnicodeAttribute()
    provider_id = UnicodeAttribute(null=True)
    session_id = UnicodeAttribute(null=True)
    captured = NumberAttribute(null=True)
    capturable = NumberAttribute(null=True)
    capture_before = UTCDateTimeAttribute(null=True)
    multicapture = BooleanAttribute(null=True)
    promised = NumberAttribute(null=True)
    waiting = NumberAttribute(null=True)
    refunded = NumberAttribute(null=True)
    not_returned = NumberAttribute(null=True)
    recalled = NumberAttribute(null=True)
    disputes = JSONAttribute(null=True)
    reminded = JSONAttribute(null=True)
    review = UnicodeAttribute(null=True)
    to_capture = NumberAttribute(null=True)
    all_left = BooleanAttribute(null=True)
    claim = JSONAttribute(null=True)
    capture_error = UnicodeAttribute(null=True)
    captures_refused = NumberAttribute(null=True)
    captures_asked = JSONAttribute(null=True)
    expiring = BooleanAttribute(null=True)
    replaces = UnicodeAttribute(null=True)
    relieved = BooleanAttribute(null=True)
    replaced_by = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    decline_id = UnicodeAttribute(null=True)
    unwanted = BooleanAttribute(null=True)
    said_again = NumberAttribute(null=True)
    version = NumberAttribute()
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()
    due_shard = UnicodeAttribute(null=True)
    due_at = UTCDateTimeAttribute(null=True)

    @classmethod
    def of(cls, payment: Payment) -> "PaymentRow":
        due = holds.due_at(payment, payment.updated_at)
        # What is empty takes no room in the row.
        plain = {name: value for name, value in vars(payment).items() if value not in (None, False, 0, ())}
        return cls(
            **plain
            | {
                "pk": key_of(payment.payment_id),
                "sk": PAYMENT,
                "status": payment.status.value,
                "method": payment.method.value,
                "capture": payment.capture.value,
                "amount": payment.amount.amount,
                "currency": payment.amount.currency,
                "pages": _plain(payment.pages),
                "claim": _plain(payment.claim),
                "disputes": [_plain(each) for each in payment.disputes] or None,
                "captures_asked": list(payment.captures_asked) or None,
                "reminded": list(payment.reminded) or None,
                "due_at": due,
                "due_shard": _shard_of(payment.payment_id) if due else None,
            }
        )

    def payment(self) -> Payment:
        held = {field.name: getattr(self, field.name) for field in fields(Payment)}
        known = {name: value for name, value in held.items() if value is not None}
        return Payment(
            **known
            | {
                "amount": Money(amount=int(self.amount), currency=self.currency),
                "status": Status(self.status),
                "method": Method(self.method or Method.PAYMENT_INTENT),
                "capture": Capture(self.capture or Capture.AUTOMATIC),
                "pages": Pages(**_dated(self.pages, "open_until")) if self.pages else None,
                "claim": Claim(**self.claim) if self.claim else None,
                "captures_asked": tuple(self.captures_asked or ()),
                "reminded": tuple(self.reminded or ()),
                "disputes": tuple(Dispute(**_dated(each, "evidence_due")) for each in self.disputes or ()),
            }
        )


def probe() -> None:
    """Touch the table (health check). Raises what DynamoDB raises."""
    payment("probe")


def payment(payment_id: str) -> Payment | None:
    """One payment, read consistently: 1 GetItem."""
    if len(payment_id) > ids.MAX_ID_LENGTH:
        return None
    try:
        return PaymentRow.get(key_of(payment_id), PAYMENT, consistent_read=True).payment()
    except DoesNotExist:
        return None


def payment_of(image: Mapping[str, Any]) -> Payment | None:
    """The payment in a stream's image; None where the row is another kind."""
    if image["sk"]["S"] != PAYMENT:
        return None
    return PaymentRow.from_raw_data(dict(image)).payment()


def payments_of(
    order_id: str, limit: int, start: dict[str, Any] | None
) -> tuple[list[Payment], dict[str, Any] | None]:
    """An order's payments, oldest first, and the key to go on after: 1 Query."""
    found = PaymentRow.by_order.query(order_id, limit=limit, page_size=limit + 1, last_evaluated_key=start)
    return [row.payment() for row in found], found.last_evaluated_key


def due(now: datetime) -> Iterator[str]:
    """The ids of the payments that somebody must look at by `now`: a Query a shard, each run another first,
    so that a run that is cut short does not always leave the same ones."""
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
    """Replace `old` by `new`; in the same transaction write the `changed` refunds and the ledger's entry, and
    mark the Stripe event `applied`.

    False where another wrote meanwhile; nothing is written then.
    """
    if new == old and not changed:
        if applied:
            inbox.mark(applied, EventStatus.APPLIED)
        return True
    after = replace(new, version=old.version + 1, updated_at=now)
    entry = postings(old, after)
    try:
        with transaction(PaymentsRow) as writes:
            writes.save(PaymentRow.of(after), condition=PaymentRow.version == old.version)
            for refund in changed:
                writes.save(refunds.RefundRow.of(refund, now))
            if entry:
                writes.save(ledger.LedgerRow.of(entry), condition=ledger.LedgerRow.pk.does_not_exist())
            if applied:
                inbox.mark_within(writes, applied, EventStatus.APPLIED)
    except ConditionFailed:
        return False
    return True


def _shard_of(payment_id: str) -> str:
    return str(crc32(payment_id.encode()) % SHARDS)


def _plain(thing: Any) -> dict[str, Any] | None:
    """A dataclass as JSON has it."""
    if thing is None:
        return None
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(thing).items()
    }


def _dated(kept: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = kept.get(name)
    return {**kept, name: datetime.fromisoformat(value) if value else None}
