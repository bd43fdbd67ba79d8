"""The events that orders subscribes to, and the function that handles each."""

from orders.service import paying
from shared.contracts import events
from shared.messaging.consumers import Consumers

consumers = Consumers()
consumers.on(events.PaymentAuthorized)(paying.take_payment)
consumers.on(events.PaymentSucceeded)(paying.take_payment)
consumers.on(events.PaymentCaptured)(paying.store_totals)
consumers.on(events.PaymentRefunded)(paying.store_totals)
consumers.on(events.PaymentRefundFailed)(paying.store_failed_refund)
consumers.on(events.PaymentVoided)(paying.store_void)
consumers.on(events.PaymentFailed)(paying.note_decline)
consumers.on(events.PaymentExpiring)(paying.note_expiring)
consumers.on(events.PaymentCaptureFailed)(paying.note_failed_capture)
consumers.on(events.PaymentDisputed)(paying.note_dispute)
consumers.on(events.PaymentReviewed)(paying.note_review)
consumers.on(events.NotificationBounced)(paying.note_bounce)

handle = consumers.handle
