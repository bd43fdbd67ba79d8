"""The events that orders subscribes to, and the function that handles each."""

from collections.abc import Callable, Mapping
from typing import Any

from orders.service import paying
from shared.contracts import events
from shared.messaging.consumers import Consumers

HANDLERS: Mapping[type[events.Event], Callable[[Any], None]] = {
    events.PaymentAuthorized: paying.take_payment,
    events.PaymentSucceeded: paying.take_payment,
    events.PaymentCaptured: paying.store_totals,
    events.PaymentRefunded: paying.store_totals,
    events.PaymentRefundFailed: paying.store_failed_refund,
    events.PaymentVoided: paying.store_void,
    events.PaymentFailed: paying.note_decline,
    events.PaymentExpiring: paying.note_expiring,
    events.PaymentCaptureFailed: paying.note_failed_capture,
    events.PaymentDisputed: paying.note_dispute,
    events.PaymentReviewed: paying.note_review,
    events.NotificationBounced: paying.note_bounce,
}
consumers = Consumers(HANDLERS)
