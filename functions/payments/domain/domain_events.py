"""The events of a change of a payment, derived from its amounts because a change may skip a status."""

from collections.abc import Iterator
from typing import NamedTuple

from payments.domain.captures import CaptureMethod
from payments.domain.disputes import Dispute
from payments.domain.payments import Payment, Status
from shared.contracts.events.envelope import Event, EventData
from shared.contracts.events.payments import (
    DisputeData,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentData,
    PaymentDisputed,
    PaymentExpiring,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentReviewed,
    PaymentSucceeded,
    PaymentVoided,
    ReviewData,
)


class PendingEvent(NamedTuple):
    """An event before it has an id and a time."""

    event_class: type[Event]
    subject: str
    data: EventData


def derive(before: Payment | None, after: Payment) -> Iterator[PendingEvent]:
    """Yield the events of the change from `before` (None: the payment is new) to `after`."""
    old = before or _unchanged(after)
    subject = after.payment_id
    for event_class in (*_secured(old, after), *_failed(old, after)):
        reason = after.captures.error if event_class is PaymentCaptureFailed else after.reason
        yield PendingEvent(event_class, subject, _payment_data(after, reason=reason))
    refunded = (after.refunds.refunded + after.refunds.reversed) - (
        old.refunds.refunded + old.refunds.reversed
    )
    if refunded > 0:
        yield PendingEvent(PaymentRefunded, subject, _payment_data(after, refund_amount=refunded))
    failed = after.refunds.failed - old.refunds.failed
    if failed > 0:
        yield PendingEvent(PaymentRefundFailed, subject, _payment_data(after, failed_refund_amount=failed))
    reminders = {*after.disputes.reminded} - {*old.disputes.reminded}
    for dispute in after.disputes.items:
        if dispute.dedupe_key in reminders or dispute not in old.disputes.items:
            yield PendingEvent(PaymentDisputed, dispute.dispute_id, _dispute_data(after, dispute))
    if after.review and after.review != old.review:
        yield PendingEvent(PaymentReviewed, subject, _review_data(after, after.review))


def _secured(old: Payment, after: Payment) -> Iterator[type[Event]]:
    republish = after.republish_count > old.republish_count
    captured, was_captured = after.captures.captured, old.captures.captured
    if after.status is Status.AUTHORIZED and (republish or old.status is not Status.AUTHORIZED):
        yield PaymentAuthorized
    if captured and (republish or not was_captured):
        yield PaymentSucceeded
    if captured > was_captured and after.capture_method is CaptureMethod.MANUAL:
        yield PaymentCaptured
    if after.authorization.expiry_notified and not old.authorization.expiry_notified:
        yield PaymentExpiring
    released = old.authorization.capturable and not after.authorization.capturable
    # The release of a replaced payment is not published: the payment that replaced it pays the order.
    if (
        released
        and captured - was_captured < old.authorization.capturable
        and not after.replacement.replaced_by
    ):
        yield PaymentVoided


def _failed(old: Payment, after: Payment) -> Iterator[type[Event]]:
    declined = after.decline_id and after.decline_id != old.decline_id
    if declined or (after.status is Status.FAILED and old.status is not Status.FAILED):
        yield PaymentFailed
    if after.captures.error and after.captures.error != old.captures.error:
        yield PaymentCaptureFailed


def _unchanged(payment: Payment) -> Payment:
    """Return the payment as it was when it was created."""
    return Payment(
        payment_id=payment.payment_id,
        order=payment.order,
        amount=payment.amount,
        attempt=payment.attempt,
        created_at=payment.created_at,
        updated_at=payment.created_at,
    )


def _payment_data(
    payment: Payment,
    reason: str | None = None,
    refund_amount: int | None = None,
    failed_refund_amount: int | None = None,
) -> PaymentData:
    """Return the payload of a payment's event; the amounts given are in minor units."""
    authorization = payment.authorization
    return PaymentData(
        payment_id=payment.payment_id,
        **vars(payment.order),
        amount=payment.money(payment.captures.captured or payment.amount.amount),
        secured=payment.money(payment.secured),
        captured=payment.money(payment.captures.captured),
        refunded=payment.money(payment.refunds.refunded),
        status=payment.status,
        reason=reason,
        refund_amount=None if refund_amount is None else payment.money(refund_amount),
        failed_refund_amount=None if failed_refund_amount is None else payment.money(failed_refund_amount),
        hold_until=authorization.hold_until if authorization.capturable else None,
        replaces=payment.replacement.replaces,
    )


def _dispute_data(payment: Payment, dispute: Dispute) -> DisputeData:
    return DisputeData(
        payment_id=payment.payment_id,
        order_id=payment.order.order_id,
        number=payment.order.number,
        user_id=payment.order.user_id,
        dispute_id=dispute.dispute_id,
        status=dispute.status,
        reason=dispute.reason,
        amount=payment.money(dispute.amount),
        withheld=payment.money(dispute.withheld),
        evidence_due=dispute.evidence_due,
    )


def _review_data(payment: Payment, status: str) -> ReviewData:
    return ReviewData(
        payment_id=payment.payment_id,
        order_id=payment.order.order_id,
        number=payment.order.number,
        user_id=payment.order.user_id,
        status=status,
    )
