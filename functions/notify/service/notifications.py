"""The table of notifications: which event causes which messages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from notify.domain import accounts, alerts, orders, payments
from notify.domain.messages import Message
from notify.service import delivery
from shared.contracts.events.envelope import Event
from shared.contracts.events.orders import (
    OrderCancelled,
    OrderDelivered,
    OrderExpired,
    OrderInvoiced,
    OrderPaid,
    OrderReturnDecided,
    OrderReturned,
    OrderShipped,
)
from shared.contracts.events.payments import (
    PaymentCaptureFailed,
    PaymentDisputed,
    PaymentExpiring,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentReviewed,
    PaymentsUnreconciled,
)
from shared.contracts.events.users import UserRegistered
from shared.runtime import clock

# Makes a message from an event of one type; None if the event needs no message.
Build = Callable[[Any], Message | None]


def _dispute(event: PaymentDisputed) -> Message | None:
    return alerts.dispute(event, clock.now())


# README.md shows this table with its templates and recipients; a test compares the two.
NOTIFICATIONS: Mapping[type[Event], Sequence[Build]] = {
    UserRegistered: (accounts.welcome,),
    OrderPaid: (orders.confirmation,),
    OrderInvoiced: (orders.confirmation_with_invoice, orders.invoice),
    OrderShipped: (orders.shipped,),
    OrderDelivered: (orders.delivered,),
    OrderCancelled: (orders.cancelled,),
    OrderExpired: (orders.expired,),
    OrderReturnDecided: (orders.return_decided,),
    OrderReturned: (orders.return_received,),
    PaymentFailed: (payments.failed,),
    PaymentExpiring: (payments.reauthorize,),
    PaymentRefunded: (payments.refunded,),
    PaymentRefundFailed: (payments.refund_failed, alerts.refund_failed),
    PaymentCaptureFailed: (alerts.capture_failed,),
    PaymentDisputed: (_dispute,),
    PaymentReviewed: (alerts.review,),
    PaymentsUnreconciled: (alerts.unreconciled,),
}


def send(event: Event) -> None:
    """Send the notifications that the event causes. Raises as `delivery.send`.

    Not for OrderPaid and OrderInvoiced, of whose messages only some are sent: see `confirmations`.
    """
    for build in NOTIFICATIONS[type(event)]:
        if message := build(event):
            delivery.send(message, event.id)
