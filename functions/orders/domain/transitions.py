"""What an order and a return may become: every legal move; any other is refused."""

from collections.abc import Mapping
from enum import StrEnum

from shared.errors import Conflict


class IllegalTransition(Conflict):
    """Its status does not allow the move; `status_now` is that."""


class Status(StrEnum):
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
    REJECT = "refuse"
    PAY = "pay"
    CANCEL = "cancel"
    EXPIRE = "expire"
    SHIP_PART = "ship_part"
    SHIP = "ship"
    DELIVER = "deliver"
    REFUND = "refund"


S, M = Status, Transition
TRANSITIONS: Mapping[Status, Mapping[Transition, Status]] = {
    S.PENDING: {M.PLACE: S.AWAITING_PAYMENT, M.REJECT: S.CANCELLED, M.EXPIRE: S.EXPIRED},
    S.AWAITING_PAYMENT: {M.PAY: S.PAID, M.CANCEL: S.CANCELLED, M.EXPIRE: S.EXPIRED},
    S.PAID: {
        M.SHIP_PART: S.PARTIALLY_SHIPPED,
        M.SHIP: S.SHIPPED,
        M.CANCEL: S.CANCELLED,
        M.REFUND: S.REFUNDED,
    },
    S.PARTIALLY_SHIPPED: {M.SHIP_PART: S.PARTIALLY_SHIPPED, M.SHIP: S.SHIPPED, M.REFUND: S.REFUNDED},
    S.SHIPPED: {M.DELIVER: S.DELIVERED, M.REFUND: S.REFUNDED},
    S.DELIVERED: {M.REFUND: S.REFUNDED},
    S.CANCELLED: {},
    S.EXPIRED: {},
    S.REFUNDED: {},
}
OPEN = frozenset({S.PENDING, S.AWAITING_PAYMENT})
CANCELLED_OR_EXPIRED = frozenset({S.CANCELLED, S.EXPIRED})


class ReturnStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    RECEIVED = "received"


R = ReturnStatus
RETURN_TRANSITIONS: Mapping[ReturnStatus, frozenset[ReturnStatus]] = {
    R.REQUESTED: frozenset({R.APPROVED, R.REJECTED}),
    R.APPROVED: frozenset({R.RECEIVED, R.REJECTED}),
    R.REJECTED: frozenset(),
    R.RECEIVED: frozenset(),
}
# An order of which something may be sent back.
RETURNABLE = frozenset({S.PARTIALLY_SHIPPED, S.SHIPPED, S.DELIVERED})


def target(status: Status, move: Transition) -> Status:
    """What the move makes of an order of this status. Raises IllegalTransition."""
    try:
        return TRANSITIONS[status][move]
    except KeyError:
        verb = move.value.replace("_", " ")
        raise IllegalTransition(
            f"An order that is {status} cannot {verb}.", status_now=status.value
        ) from None
