"""The events that orders subscribes to, and the function that handles each."""

from collections.abc import Callable, Mapping
from typing import Any

from orders.service import paying
from shared.contracts.events import payments
from shared.contracts.events.envelope import Event
from shared.contracts.events.notify import NotificationBounced
from shared.messaging.consumers import Consumers

HANDLERS: Mapping[type[Event], Callable[[Any], None]] = {
    payments.PaymentAuthorized: paying.take_payment,
    payments.PaymentSucceeded: paying.take_payment,
    payments.PaymentCaptured: paying.store_totals,
    payments.PaymentRefunded: paying.store_totals,
    payments.PaymentRefundFailed: paying.store_failed_refund,
    payments.PaymentVoided: paying.store_void,
    payments.PaymentFailed: paying.note_decline,
    payments.PaymentExpiring: paying.note_expiring,
    payments.PaymentCaptureFailed: paying.note_failed_capture,
    payments.PaymentDisputed: paying.note_dispute,
    payments.PaymentReviewed: paying.note_review,
    NotificationBounced: paying.note_bounce,
}
consumers = Consumers(HANDLERS)
