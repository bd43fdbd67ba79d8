"""Events in: which letter each is a reason for."""

from collections.abc import Mapping
from typing import Any

from notify import service, tables
from shared.events import (
    OrderCancelled,
    OrderDelivered,
    OrderExpired,
    OrderInvoiced,
    OrderPaid,
    OrderReturnDecided,
    OrderReturned,
    OrderShipped,
    PaymentFailed,
    PaymentRefunded,
    UserRegistered,
)
from shared.health import health
from shared.inbox import Consumers


class Door(Consumers):
    """The queue's handler, which is also asked how it is: notify has no API function to answer for it."""

    def handle(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        if "health" in event:
            return {**health(tables.probe)}
        return super().handle(event, context)


consumers = Door()


@consumers.on(UserRegistered)
def user_registered(event: UserRegistered) -> None:
    service.welcome(event.data, event.id)


@consumers.on(OrderPaid)
def order_paid(event: OrderPaid) -> None:
    service.confirm_order(event.data, event.id)


@consumers.on(OrderExpired)
def order_expired(event: OrderExpired) -> None:
    service.report_expiry(event.data, event.id)


@consumers.on(OrderCancelled)
def order_cancelled(event: OrderCancelled) -> None:
    service.report_cancellation(event.data, event.id)


@consumers.on(OrderInvoiced)
def order_invoiced(event: OrderInvoiced) -> None:
    service.send_invoice(event.data, event.id)


@consumers.on(OrderShipped)
def order_shipped(event: OrderShipped) -> None:
    service.report_parcel(event.data, event.id)


@consumers.on(OrderDelivered)
def order_delivered(event: OrderDelivered) -> None:
    service.report_delivery(event.data, event.id)


@consumers.on(OrderReturnDecided)
def order_return_decided(event: OrderReturnDecided) -> None:
    service.report_decision(event.data, event.id)


@consumers.on(OrderReturned)
def order_returned(event: OrderReturned) -> None:
    service.report_return(event.data, event.id)


@consumers.on(PaymentFailed)
def payment_failed(event: PaymentFailed) -> None:
    service.report_decline(event.data, event.id)


@consumers.on(PaymentRefunded)
def payment_refunded(event: PaymentRefunded) -> None:
    service.report_refund(event.data, event.id)


handle = consumers.handle
