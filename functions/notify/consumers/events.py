"""Events in: which letter each is a reason for; and what staff wrote, by its id."""

from collections.abc import Mapping
from typing import Any

from notify import own_queue
from notify.service import news, promised
from shared.contracts.events import (
    OrderCancelled,
    OrderDelivered,
    OrderExpired,
    OrderInvoiced,
    OrderPaid,
    OrderReturnDecided,
    OrderReturned,
    OrderShipped,
    PaymentCaptureFailed,
    PaymentDisputed,
    PaymentExpiring,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentReviewed,
    PaymentsUnreconciled,
    UserRegistered,
)
from shared.messaging.consumers import Consumers
from shared.runtime import observability


class Queue(Consumers):
    """The queue's handler: beside events of others it takes commands of notify's own."""

    def handle_message(self, message: Mapping[str, Any]) -> None:
        if message.get("command") != own_queue.SEND:
            super().handle_message(message)
            return
        observability.begin(message.get("requestid") or message["id"])
        promised.send(message["id"])


consumers: Consumers = Queue()


@consumers.on(UserRegistered)
def user_registered(event: UserRegistered) -> None:
    news.welcome(event.data, event.id, event.sequence)


@consumers.on(OrderPaid)
def order_paid(event: OrderPaid) -> None:
    news.confirm_order(event.data, event.id)


@consumers.on(OrderExpired)
def order_expired(event: OrderExpired) -> None:
    news.report_expiry(event.data, event.id)


@consumers.on(OrderCancelled)
def order_cancelled(event: OrderCancelled) -> None:
    news.report_cancellation(event.data, event.id)


@consumers.on(OrderInvoiced)
def order_invoiced(event: OrderInvoiced) -> None:
    news.send_invoice(event.data, event.id)


@consumers.on(OrderShipped)
def order_shipped(event: OrderShipped) -> None:
    news.report_parcel(event.data, event.id)


@consumers.on(OrderDelivered)
def order_delivered(event: OrderDelivered) -> None:
    news.report_delivery(event.data, event.id)


@consumers.on(OrderReturnDecided)
def order_return_decided(event: OrderReturnDecided) -> None:
    news.report_decision(event.data, event.id)


@consumers.on(OrderReturned)
def order_returned(event: OrderReturned) -> None:
    news.report_return(event.data, event.id)


@consumers.on(PaymentFailed)
def payment_failed(event: PaymentFailed) -> None:
    news.report_decline(event.data, event.id)


@consumers.on(PaymentRefunded)
def payment_refunded(event: PaymentRefunded) -> None:
    news.report_refund(event.data, event.id)


@consumers.on(PaymentExpiring)
def payment_expiring(event: PaymentExpiring) -> None:
    news.ask_to_pay_again(event.data, event.id)


@consumers.on(PaymentRefundFailed)
def payment_refund_failed(event: PaymentRefundFailed) -> None:
    news.report_failed_refund(event.data, event.id)


@consumers.on(PaymentCaptureFailed)
def payment_capture_failed(event: PaymentCaptureFailed) -> None:
    news.report_failed_capture(event.data, event.id)


@consumers.on(PaymentDisputed)
def payment_disputed(event: PaymentDisputed) -> None:
    news.report_dispute(event.data, event.id)


@consumers.on(PaymentReviewed)
def payment_reviewed(event: PaymentReviewed) -> None:
    news.report_review(event.data, event.id)


@consumers.on(PaymentsUnreconciled)
def payments_unreconciled(event: PaymentsUnreconciled) -> None:
    news.report_unreconciled(event.data, event.id)
