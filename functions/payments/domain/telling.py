"""What a change of a payment says: told by sums, not by statuses, for a change may leap over one."""

from collections.abc import Iterator

from payments.domain.disputes import Dispute
from payments.domain.payments import Capture, Payment, Status
from shared.contracts.events import (
    DisputeData,
    Event,
    EventData,
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

Told = tuple[type[Event], str, EventData]


def told(before: Payment | None, after: Payment) -> Iterator[Told]:
    """(type, subject, data) of each event that the change from `before` to `after` is."""
    old = before or _nothing(after)
    subject = after.payment_id
    for kind in (*_came_in(old, after), *_failed(old, after)):
        reason = after.capture_error if kind is PaymentCaptureFailed else after.reason
        yield kind, subject, _facts(after, reason=reason)
    back = after.refunded + after.recalled - old.refunded - old.recalled
    if back > 0:
        yield PaymentRefunded, subject, _facts(after, refund_amount=back)
    not_back = after.not_returned - old.not_returned
    if not_back > 0:
        yield PaymentRefundFailed, subject, _facts(after, failed_refund_amount=not_back)
    for dispute in after.disputes:
        reminder = dispute.matter in after.reminded and dispute.matter not in old.reminded
        if reminder or dispute not in old.disputes:
            yield PaymentDisputed, dispute.dispute_id, _dispute(after, dispute)
    if after.review and after.review != old.review:
        yield PaymentReviewed, subject, _review(after, after.review)


def _came_in(old: Payment, after: Payment) -> Iterator[type[Event]]:
    again = after.said_again > old.said_again
    if after.status is Status.AUTHORIZED and (again or old.status is not Status.AUTHORIZED):
        yield PaymentAuthorized
    if after.captured and (again or not old.captured):
        yield PaymentSucceeded
    if after.captured > old.captured and after.capture is Capture.MANUAL:
        yield PaymentCaptured
    if after.expiring and not old.expiring:
        yield PaymentExpiring
    # What was replaced is not told of: its order has the money by the payment that took its place.
    let_go = old.capturable and not after.capturable and after.captured - old.captured < old.capturable
    if let_go and not after.replaced_by:
        yield PaymentVoided


def _failed(old: Payment, after: Payment) -> Iterator[type[Event]]:
    declined = after.decline_id and after.decline_id != old.decline_id
    if declined or (after.status is Status.FAILED and old.status is not Status.FAILED):
        yield PaymentFailed
    if after.capture_error and after.capture_error != old.capture_error:
        yield PaymentCaptureFailed


def _nothing(payment: Payment) -> Payment:
    """The payment as it was before anything happened to it."""
    return Payment(
        payment.payment_id,
        payment.order_id,
        payment.user_id,
        payment.email,
        payment.amount,
        payment.attempt,
        payment.created_at,
        payment.created_at,
    )


def _facts(
    payment: Payment,
    reason: str | None = None,
    refund_amount: int | None = None,
    failed_refund_amount: int | None = None,
) -> PaymentData:
    """The payment for others; sums in minor units."""
    return PaymentData(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        number=payment.number,
        user_id=payment.user_id,
        email=payment.email,
        amount=payment.sum_of(payment.captured or payment.amount.amount),
        secured=payment.sum_of(payment.secured),
        captured=payment.sum_of(payment.captured),
        refunded=payment.sum_of(payment.refunded),
        status=payment.status,
        reason=reason,
        refund_amount=None if refund_amount is None else payment.sum_of(refund_amount),
        failed_refund_amount=None if failed_refund_amount is None else payment.sum_of(failed_refund_amount),
        capture_before=payment.capture_before if payment.capturable else None,
        replaces=payment.replaces,
    )


def _dispute(payment: Payment, dispute: Dispute) -> DisputeData:
    return DisputeData(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        number=payment.number,
        user_id=payment.user_id,
        dispute_id=dispute.dispute_id,
        status=dispute.status,
        reason=dispute.reason,
        amount=payment.sum_of(dispute.amount),
        withheld=payment.sum_of(dispute.withheld),
        evidence_due=dispute.evidence_due,
    )


def _review(payment: Payment, status: str) -> ReviewData:
    return ReviewData(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        number=payment.number,
        user_id=payment.user_id,
        status=status,
    )
