"""The statuses of orders and returns, and all legal transitions between them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from shared.errors import Conflict


class IllegalTransitionMembers(TypedDict):
    """The status that does not allow the transition."""

    status_now: Annotated[str, Field(description="The current status of the order or of the return.")]


class IllegalTransition(Conflict):
    """The current status of the order or of the return does not allow the request."""

    members = IllegalTransitionMembers


class Status(StrEnum):
    """The status of an order, from its placement to its end."""

    PENDING = "pending"
    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"


class Transition(StrEnum):
    PLACE = "place"
    REJECT = "reject"
    PAY = "pay"
    CANCEL = "cancel"
    EXPIRE = "expire"
    SHIP_PART = "ship_part"
    SHIP = "ship"
    DELIVER = "deliver"
    REFUND = "refund"


TRANSITIONS: Mapping[Status, Mapping[Transition, Status]] = {
    Status.PENDING: {
        Transition.PLACE: Status.AWAITING_PAYMENT,
        Transition.REJECT: Status.CANCELLED,
        Transition.EXPIRE: Status.EXPIRED,
    },
    Status.AWAITING_PAYMENT: {
        Transition.PAY: Status.PAID,
        Transition.CANCEL: Status.CANCELLED,
        Transition.EXPIRE: Status.EXPIRED,
    },
    Status.PAID: {
        Transition.SHIP_PART: Status.PARTIALLY_SHIPPED,
        Transition.SHIP: Status.SHIPPED,
        Transition.CANCEL: Status.CANCELLED,
        Transition.REFUND: Status.REFUNDED,
    },
    Status.PARTIALLY_SHIPPED: {
        Transition.SHIP_PART: Status.PARTIALLY_SHIPPED,
        Transition.SHIP: Status.SHIPPED,
        Transition.REFUND: Status.REFUNDED,
    },
    Status.SHIPPED: {Transition.DELIVER: Status.DELIVERED, Transition.REFUND: Status.REFUNDED},
    Status.DELIVERED: {Transition.REFUND: Status.REFUNDED},
    Status.CANCELLED: {},
    Status.EXPIRED: {},
    Status.REFUNDED: {},
}
OPEN = frozenset({Status.PENDING, Status.AWAITING_PAYMENT})
CANCELLED_OR_EXPIRED = frozenset({Status.CANCELLED, Status.EXPIRED})
RETURNABLE = frozenset({Status.PARTIALLY_SHIPPED, Status.SHIPPED, Status.DELIVERED})


class ReturnStatus(StrEnum):
    """The status of a return; received goods are refunded."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    RECEIVED = "received"


RETURN_TRANSITIONS: Mapping[ReturnStatus, frozenset[ReturnStatus]] = {
    ReturnStatus.REQUESTED: frozenset({ReturnStatus.APPROVED, ReturnStatus.REJECTED}),
    ReturnStatus.APPROVED: frozenset({ReturnStatus.RECEIVED, ReturnStatus.REJECTED}),
    ReturnStatus.REJECTED: frozenset(),
    ReturnStatus.RECEIVED: frozenset(),
}


def next_status(status: Status, transition: Transition) -> Status:
    """Return the status after the transition. Raises IllegalTransition."""
    try:
        return TRANSITIONS[status][transition]
    except KeyError:
        raise IllegalTransition(
            f"The order is {status}; the transition `{transition}` is not allowed.", status_now=status.value
        ) from None
