"""Events in."""

from orders.service import paying
from shared.events import PaymentFailed, PaymentRefunded, PaymentSucceeded
from shared.inbox import Consumers

consumers = Consumers()


@consumers.on(PaymentSucceeded)
def payment_succeeded(event: PaymentSucceeded) -> None:
    paying.take_payment(event.data.order_id, event.data.payment_id, event.data.amount)


@consumers.on(PaymentFailed)
def payment_failed(event: PaymentFailed) -> None:
    paying.note_failed_payment(event.data.order_id, event.data.reason or "declined", event.id)


@consumers.on(PaymentRefunded)
def payment_refunded(event: PaymentRefunded) -> None:
    paying.note_refund(event.data.order_id, event.data.payment_id, event.data.refunded)


handle = consumers.handle
