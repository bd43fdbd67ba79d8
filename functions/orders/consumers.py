"""Events in."""

from orders import service
from shared.events import PaymentFailed, PaymentSucceeded
from shared.inbox import Consumers

consumers = Consumers()


@consumers.on(PaymentSucceeded)
def payment_succeeded(event: PaymentSucceeded) -> None:
    service.take_payment(event.data.order_id, event.data.payment_id, event.data.amount)


@consumers.on(PaymentFailed)
def payment_failed(event: PaymentFailed) -> None:
    service.note_failed_payment(event.data.order_id, event.data.reason or "declined", event.id)


handle = consumers.handle
