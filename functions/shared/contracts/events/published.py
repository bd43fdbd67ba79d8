"""The events that each service publishes, for tests and tools; functions import those that they use."""

from collections.abc import Mapping
from typing import Any

from shared.contracts.events.catalog import ProductArchived, ProductChanged
from shared.contracts.events.envelope import Event
from shared.contracts.events.notify import NotificationBounced
from shared.contracts.events.orders import (
    OrderCancelled,
    OrderDelivered,
    OrderExpired,
    OrderInvoiced,
    OrderPaid,
    OrderPlaced,
    OrderRefundDue,
    OrderReturnDecided,
    OrderReturned,
    OrderShipped,
)
from shared.contracts.events.payments import (
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
    PaymentsUnreconciled,
    PaymentVoided,
)
from shared.contracts.events.users import UserRegistered

PUBLISHED_BY: dict[str, tuple[type[Event], ...]] = {
    "users": (UserRegistered,),
    "catalog": (
        ProductChanged,
        ProductArchived,
    ),
    "orders": (
        OrderPlaced,
        OrderPaid,
        OrderCancelled,
        OrderExpired,
        OrderShipped,
        OrderDelivered,
        OrderInvoiced,
        OrderReturnDecided,
        OrderReturned,
        OrderRefundDue,
    ),
    "payments": (
        PaymentAuthorized,
        PaymentSucceeded,
        PaymentCaptured,
        PaymentExpiring,
        PaymentVoided,
        PaymentFailed,
        PaymentCaptureFailed,
        PaymentRefunded,
        PaymentRefundFailed,
        PaymentDisputed,
        PaymentReviewed,
        PaymentsUnreconciled,
    ),
    "notify": (NotificationBounced,),
}

TYPES: dict[str, type[Event]] = {
    event_class.event_type(): event_class for published in PUBLISHED_BY.values() for event_class in published
}


def read_event(message: Mapping[str, Any]) -> Event:
    """Return the typed event of a message. Raises KeyError (unknown type) or ValidationError (invalid)."""
    return TYPES[message["type"]].model_validate(message)
