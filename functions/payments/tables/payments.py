"""Payments, the slot each order has for one, and refunds: `PAYMENTS_TABLE`."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from payments.domain import EventStatus, Payment, Refund, RefundStatus, Slot, Status
from payments.settings import settings
from payments.tables import inbox
from shared import idempotency
from shared.aws import REGION
from shared.money import Money
from shared.rows import Refused, Row, refused_by_condition, transaction, warm

PAYMENT = "payment"
SLOT = "slot"


class OnceRow(idempotency.OnceRow):
    """Requests to open a payment, with their answers: for 24 hours that holds a payment's `client_secret`,
    which is of use for paying this one payment and nothing else."""

    class Meta:
        table_name = settings().payments_once_table
        region = REGION


class ByOrder(GlobalSecondaryIndex["PaymentRow"]):  # type: ignore[no-untyped-call]
    """An order's payments, oldest first."""

    class Meta:
        index_name = "by-order"
        projection = AllProjection()

    order_id = UnicodeAttribute(hash_key=True)
    payment_id = UnicodeAttribute(range_key=True)


class PaymentsRow(Row):
    """Any row of the table; its subclasses share its connection."""

    class Meta:
        table_name = settings().payments_table
        region = REGION

    by_order = ByOrder()  # the connection knows the indexes of the class that opened it
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


class PaymentRow(PaymentsRow):
    """pk `payment#<id>`, sk `payment`."""

    by_order = ByOrder()
    payment_id = UnicodeAttribute()
    order_id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    email = UnicodeAttribute()
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    attempt = NumberAttribute()
    status = UnicodeAttribute()
    provider_id = UnicodeAttribute(null=True)
    captured = NumberAttribute(default=0)
    promised = NumberAttribute(default=0)
    refunded = NumberAttribute(default=0)
    reason = UnicodeAttribute(null=True)
    decline_id = UnicodeAttribute(null=True)
    unwanted = BooleanAttribute(default=False)
    version = NumberAttribute()
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()

    @classmethod
    def of(cls, payment: Payment) -> "PaymentRow":
        plain = {name: value for name, value in vars(payment).items() if name != "amount"}
        return cls(
            **plain | {"pk": _key_of(payment.payment_id), "sk": PAYMENT, "status": payment.status.value},
            amount=payment.amount.amount,
            currency=payment.amount.currency,
        )

    def payment(self) -> Payment:
        return Payment(
            payment_id=self.payment_id,
            order_id=self.order_id,
            user_id=self.user_id,
            email=self.email,
            amount=Money(amount=int(self.amount), currency=self.currency),
            attempt=int(self.attempt),
            created_at=self.created_at,
            updated_at=self.updated_at,
            status=Status(self.status),
            provider_id=self.provider_id,
            captured=int(self.captured),
            promised=int(self.promised),
            refunded=int(self.refunded),
            reason=self.reason,
            decline_id=self.decline_id,
            unwanted=self.unwanted,
            version=int(self.version),
        )


class SlotRow(PaymentsRow):
    """pk `order#<id>`, sk `slot`: makes an order's live payment the only one."""

    payment_id = UnicodeAttribute(null=True)
    attempt = NumberAttribute(null=True)
    closed = BooleanAttribute(null=True)


class RefundRow(PaymentsRow):
    """pk `payment#<id>`, sk `ref_…`: its id is derived from what it is for, so it is made once."""

    amount = NumberAttribute()
    why = UnicodeAttribute()
    status = UnicodeAttribute()
    provider_id = UnicodeAttribute(null=True)
    updated_at = UTCDateTimeAttribute()


def probe() -> None:
    """Touch the table (health check). Raises what DynamoDB raises."""
    payment("probe")


def prepare() -> None:
    """Make the client during init, not in the first request."""
    warm(PaymentsRow)


def payment(payment_id: str) -> Payment | None:
    """One payment, read consistently: 1 GetItem."""
    try:
        return PaymentRow.get(_key_of(payment_id), PAYMENT, consistent_read=True).payment()
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
    found = PaymentRow.by_order.query(order_id, limit=limit, last_evaluated_key=start)
    return [row.payment() for row in found], found.last_evaluated_key


def slot(order_id: str) -> Slot:
    """The order's slot, read consistently; an empty one where nothing was written yet."""
    try:
        return _slot(order_id, SlotRow.get(f"order#{order_id}", SLOT, consistent_read=True))
    except DoesNotExist:
        return Slot(order_id)


def begin(payment: Payment, before: Slot) -> bool:
    """Put the payment into the slot as it was `before`; False where another came first or it was closed."""
    row = SlotRow(f"order#{payment.order_id}", SLOT, payment_id=payment.payment_id, attempt=payment.attempt)
    untouched = SlotRow.pk.does_not_exist()
    if before.attempt:
        untouched = (SlotRow.attempt == before.attempt) & SlotRow.closed.does_not_exist()
    try:
        with transaction(PaymentsRow) as writes:
            writes.save(row, condition=untouched)
            writes.save(PaymentRow.of(payment), condition=PaymentRow.pk.does_not_exist())
    except Refused:
        return False
    return True


def close(order_id: str) -> Slot:
    """Close the order's slot for good; what it holds."""
    row = SlotRow(f"order#{order_id}", SLOT)
    row.update([SlotRow.closed.set(True)])
    return _slot(order_id, row)


def write(old: Payment, new: Payment, now: datetime, applied: str | None = None) -> bool:
    """Replace `old` by `new`, and mark the Stripe event `applied` in the same transaction.

    False where another wrote meanwhile; nothing is written then.
    """
    if new == old:
        if applied:
            inbox.mark(applied, EventStatus.APPLIED)
        return True
    row = PaymentRow.of(replace(new, version=old.version + 1, updated_at=now))
    try:
        with transaction(PaymentsRow) as writes:
            writes.save(row, condition=PaymentRow.version == old.version)
            if applied:
                inbox.mark_within(writes, applied, EventStatus.APPLIED)
    except Refused:
        return False
    return True


def refund(payment_id: str, refund_id: str) -> Refund | None:
    """One refund, read consistently."""
    try:
        row = RefundRow.get(_key_of(payment_id), refund_id, consistent_read=True)
    except DoesNotExist:
        return None
    return Refund(
        refund_id=row.sk,
        payment_id=payment_id,
        amount=int(row.amount),
        reason=row.why,
        status=RefundStatus(row.status),
        provider_id=row.provider_id,
    )


def promise(refund: Refund, old: Payment, new: Payment, now: datetime) -> bool:
    """Write a new refund and the payment that has its money promised; False where another wrote meanwhile."""
    try:
        with transaction(PaymentsRow) as writes:
            writes.save(_refund_row(refund, now), condition=RefundRow.pk.does_not_exist())
            writes.save(
                PaymentRow.of(replace(new, version=old.version + 1, updated_at=now)),
                condition=PaymentRow.version == old.version,
            )
    except Refused:
        return False
    return True


def conclude(old: Refund, new: Refund, now: datetime) -> bool:
    """Write how the refund stands; a failed one unclaims its money. False where it moved on."""
    try:
        with transaction(PaymentsRow) as writes:
            writes.save(_refund_row(new, now), condition=RefundRow.status == old.status.value)
            if new.status is RefundStatus.FAILED:
                writes.update(
                    PaymentRow(_key_of(old.payment_id), PAYMENT),
                    [
                        PaymentRow.promised.set(PaymentRow.promised - old.amount),
                        PaymentRow.version.set(PaymentRow.version + 1),
                    ],
                    condition=PaymentRow.pk.exists(),
                )
    except Refused:
        return False
    return True


def keep_refused(refund: Refund, now: datetime) -> None:
    """Keep a refund that was refused before it began; the second time changes nothing."""
    try:
        _refund_row(refund, now).save(RefundRow.pk.does_not_exist())
    except PutError as error:
        refused_by_condition(error)


def _refund_row(refund: Refund, now: datetime) -> RefundRow:
    return RefundRow(
        _key_of(refund.payment_id),
        refund.refund_id,
        amount=refund.amount,
        why=refund.reason,
        status=refund.status.value,
        provider_id=refund.provider_id,
        updated_at=now,
    )


def _key_of(payment_id: str) -> str:
    return f"payment#{payment_id}"


def _slot(order_id: str, row: SlotRow) -> Slot:
    return Slot(order_id, row.payment_id, int(row.attempt or 0), bool(row.closed))
