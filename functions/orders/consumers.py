"""Events in."""

from orders.service import paying
from shared.contracts.events import (
    NotificationBounced,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentDisputed,
    PaymentExpiring,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentReviewed,
    PaymentSucceeded,
    PaymentVoided,
)
from shared.messaging.consumers import Consumers

consumers = Consumers()


@consumers.on(PaymentAuthorized)
def payment_authorized(event: PaymentAuthorized) -> None:
    paying.take_payment(event.data, event.sequence)


@consumers.on(PaymentSucceeded)
def payment_succeeded(event: PaymentSucceeded) -> None:
    paying.take_payment(event.data, event.sequence)


@consumers.on(PaymentCaptured)
def payment_captured(event: PaymentCaptured) -> None:
    paying.note_sums(event.data, event.sequence)


@consumers.on(PaymentRefunded)
def payment_refunded(event: PaymentRefunded) -> None:
    paying.note_sums(event.data, event.sequence)


@consumers.on(PaymentRefundFailed)
def payment_refund_failed(event: PaymentRefundFailed) -> None:
    paying.note_refund_failed(event.data, event.sequence, event.id)


@consumers.on(PaymentVoided)
def payment_voided(event: PaymentVoided) -> None:
    paying.note_void(event.data, event.sequence)


@consumers.on(PaymentFailed)
def payment_failed(event: PaymentFailed) -> None:
    paying.note_failed_payment(event.data, event.id)


@consumers.on(PaymentExpiring)
def payment_expiring(event: PaymentExpiring) -> None:
    paying.note_expiring(event.data)


@consumers.on(PaymentCaptureFailed)
def payment_capture_failed(event: PaymentCaptureFailed) -> None:
    paying.note_capture_failed(event.data, event.id)


@consumers.on(PaymentDisputed)
def payment_disputed(event: PaymentDisputed) -> None:
    paying.note_dispute(event.data, event.id)


@consumers.on(PaymentReviewed)
def payment_reviewed(event: PaymentReviewed) -> None:
    paying.note_review(event.data, event.id)


@consumers.on(NotificationBounced)
def notification_bounced(event: NotificationBounced) -> None:
    paying.note_bounced(event.data, event.id)


handle = consumers.handle
