"""What a payment may become: pure rules over what is held here and what Stripe says now."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.errors import Conflict, NotFound
from shared.money import Money


class OrderNotPayable(Conflict):
    """The order is not waiting for money (`order_status` says what it is), or owes none."""


class PaymentRefused(Conflict):
    """Stripe will not take this payment, whatever the card."""


class NoSuchPayment(NotFound):
    """There is no such payment, or it is somebody else's."""


class NoSuchOrder(NotFound):
    """There is no such order, or it is somebody else's."""


class RefundTooLarge(Conflict):
    """More than what was captured and is not already given back."""


class Status(StrEnum):
    """A payment's status, as the API shows it.

    A declined card leaves `requires_payment` with a reason: the shopper may try another. `failed` is one that
    Stripe refused to open at all (an amount below its minimum, say): the next try is a new payment.
    """

    REQUIRES_PAYMENT = "requires_payment"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


# A status gives way to one of its own rank or above: what is over stays over, and money outranks everything.
RANK = {
    Status.REQUIRES_PAYMENT: 0,
    Status.PROCESSING: 0,
    Status.AUTHORIZED: 0,
    Status.FAILED: 1,
    Status.CANCELLED: 1,
    Status.SUCCEEDED: 2,
    Status.PARTIALLY_REFUNDED: 3,
    Status.REFUNDED: 4,
}

# https://docs.stripe.com/payments/paymentintents/lifecycle
STATUS_OF_INTENT = {
    "requires_payment_method": Status.REQUIRES_PAYMENT,
    "requires_confirmation": Status.REQUIRES_PAYMENT,
    "requires_action": Status.REQUIRES_PAYMENT,
    "processing": Status.PROCESSING,
    "requires_capture": Status.AUTHORIZED,
    "canceled": Status.CANCELLED,
    "succeeded": Status.SUCCEEDED,
}


@dataclass(frozen=True)
class Decline:
    """A card that was declined: `decline_id` tells one try from the next, `reason` is for the shopper."""

    decline_id: str
    reason: str


@dataclass(frozen=True)
class Intent:
    """Stripe's PaymentIntent with its latest charge, as they are now; amounts in minor units."""

    intent_id: str
    status: str
    amount_received: int = 0
    amount_refunded: int = 0
    decline: Decline | None = None
    order_id: str | None = None
    payment_id: str | None = None
    client_secret: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether money may still come in by it, and cancelling it is possible."""
        return self.status not in ("canceled", "succeeded")


@dataclass(frozen=True)
class Payment:
    """Money asked for an order; amounts beside `amount` are minor units of its currency.

    `attempt` counts an order's payments from 1. `captured` came in, `promised` is claimed by refunds,
    `refunded` went back. `decline_id` is the last decline that was told. `unwanted`: its order was given up.
    """

    payment_id: str
    order_id: str
    user_id: str
    email: str
    amount: Money
    attempt: int
    created_at: datetime
    updated_at: datetime
    status: Status = Status.REQUIRES_PAYMENT
    provider_id: str | None = None
    captured: int = 0
    promised: int = 0
    refunded: int = 0
    reason: str | None = None
    decline_id: str | None = None
    unwanted: bool = False
    version: int = 1

    @property
    def is_open(self) -> bool:
        """Whether the shopper may pay by it."""
        return RANK[self.status] == 0 and not self.unwanted

    @property
    def is_over(self) -> bool:
        """Whether it ended without money, so that its order may have another."""
        return self.status in (Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True)
class Slot:
    """An order's one place for a payment: who has it, the how manieth, and whether it is closed for good."""

    order_id: str
    payment_id: str | None = None
    attempt: int = 0
    closed: bool = False


class RefundStatus(StrEnum):
    """`requested` here, then what Stripe says of it."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


# https://docs.stripe.com/api/refunds/object#refund_object-status
STATUS_OF_REFUND = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


@dataclass(frozen=True)
class Refund:
    """Money to give back; `amount` in minor units of the payment's currency."""

    refund_id: str
    payment_id: str
    amount: int
    reason: str
    status: RefundStatus = RefundStatus.REQUESTED
    provider_id: str | None = None


@dataclass(frozen=True)
class StripeRefund:
    """Stripe's Refund as it is now; `refund_id` is ours, None where it was made elsewhere."""

    provider_id: str
    refund_id: str | None
    status: RefundStatus


class EventStatus(StrEnum):
    """What became of a Stripe event; in the order in which people want to see them."""

    FAILED = "failed"
    RECEIVED = "received"
    APPLIED = "applied"
    IGNORED = "ignored"


@dataclass(frozen=True)
class StripeEvent:
    """What is kept of an event: `intent_id` is the PaymentIntent it is about, `created` in epoch seconds."""

    event_id: str
    type: str
    created: int
    object_id: str
    intent_id: str | None
    status: EventStatus
    received_at: datetime
    attempts: int = 0
    reason: str | None = None
    request_id: str | None = None


def observed(payment: Payment, intent: Intent) -> Payment:
    """The payment after a look at Stripe's PaymentIntent; itself where there is nothing new.

    Sums and statuses only go forward, so it may be told the same thing twice, late or out of order.
    """
    captured = max(payment.captured, intent.amount_received)
    refunded = min(captured, max(payment.refunded, intent.amount_refunded))
    status = _by_money(captured, refunded) or STATUS_OF_INTENT[intent.status]
    if RANK[status] < RANK[payment.status]:
        status = payment.status
    decline = intent.decline if status is Status.REQUIRES_PAYMENT else None
    return replace(
        payment,
        provider_id=payment.provider_id or intent.intent_id,
        status=status,
        captured=captured,
        refunded=refunded,
        reason=decline.reason if decline else payment.reason if status is Status.FAILED else None,
        decline_id=decline.decline_id if decline else payment.decline_id,
    )


def given_up(payment: Payment) -> Payment:
    """The payment of an order that was given up before Stripe knew of either."""
    status = Status.CANCELLED if RANK[payment.status] == 0 else payment.status
    return replace(payment, unwanted=True, status=status)


def is_of(payment: Payment, intent: Intent) -> bool:
    """Whether the intent is this payment's: it says so, and no other intent is known to be."""
    return (intent.payment_id, intent.order_id) == (payment.payment_id, payment.order_id) and (
        payment.provider_id in (None, intent.intent_id)
    )


def must_cancel(payment: Payment, intent: Intent) -> bool:
    """Whether money could still come in for an order that nobody wants any more."""
    return intent.is_open and (payment.unwanted or payment.is_over)


def left_of(payment: Payment) -> int:
    """What of the captured money is neither back nor claimed, in minor units.

    Refunds made at Stripe by hand show in `refunded` alone, ours in both: the larger of the two is taken.
    """
    return payment.captured - max(payment.promised, payment.refunded)


def promised(payment: Payment, amount: int) -> Payment:
    """The payment with `amount` (minor units, above zero) claimed for a refund. Raises RefundTooLarge."""
    left = left_of(payment)
    if not 0 < amount <= left:
        raise RefundTooLarge(
            f"{amount} cannot be given back: {left} is left of what was captured.", left=left
        )
    return replace(payment, promised=payment.promised + amount)


def _by_money(captured: int, refunded: int) -> Status | None:
    if not captured:
        return None
    if not refunded:
        return Status.SUCCEEDED
    return Status.REFUNDED if refunded >= captured else Status.PARTIALLY_REFUNDED


def is_handled(event_type: str) -> bool:
    """Whether a Stripe event of this type can change a payment; the others are kept and left alone."""
    return event_type.startswith(("payment_intent.", "charge.refund", "refund."))
