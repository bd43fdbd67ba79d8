"""Events in: which letter each is a reason for."""

from collections.abc import Mapping
from typing import Any

from notify import service, tables
from shared.events import OrderExpired, OrderPaid, PaymentFailed, UserRegistered
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


@consumers.on(PaymentFailed)
def payment_failed(event: PaymentFailed) -> None:
    service.report_decline(event.data, event.id)


@consumers.on(OrderExpired)
def order_expired(event: OrderExpired) -> None:
    service.report_expiry(event.data, event.id)


handle = consumers.handle
