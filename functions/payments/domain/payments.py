"""What a payment may become: pure rules over what is held here and what Stripe says now."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from payments.domain import disputes as bank
from payments.domain.captures import Claim
from payments.domain.disputes import Dispute
from shared.errors import Conflict, NotFound, invalid
from shared.values.money import Money


class OrderNotPayable(Conflict):
    """The order is not waiting for money (`order_status` says what it is), or owes none."""


class PaymentRefused(Conflict):
    """Stripe will not take this payment, whatever the card."""


class NoSuchPayment(NotFound):
    """There is no such payment, or it is somebody else's."""


class NoSuchOrder(NotFound):
    """There is no such order, or it is somebody else's."""


class Method(StrEnum):
    """How the shopper pays: in the shop's own page, or on Stripe's."""

    PAYMENT_INTENT = "payment_intent"
    CHECKOUT_SESSION = "checkout_session"


class Capture(StrEnum):
    """When money comes in: as soon as the card agrees, or as goods leave."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Status(StrEnum):
    """A payment's status, as the API shows it.

    A declined card leaves `requires_payment` with a reason: the shopper may try another. `failed` is one that
    Stripe refused to open at all (an amount below its minimum, say): the next try is a new payment.
    `disputed`: a chargeback is open or lost; where it is won, the status goes by the money again.
    """

    REQUIRES_PAYMENT = "requires_payment"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"


BEFORE_MONEY = frozenset({Status.REQUIRES_PAYMENT, Status.PROCESSING, Status.AUTHORIZED})

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
    """Stripe's PaymentIntent with its latest charge, as they are now; amounts in minor units.

    `intent_id` is None while a checkout session has none. `amount_refunded` is the charge's own sum, and with
    `disputed` says what more there is to ask for. `capture_before`: when what is not captured is let go.
    `closed`: the page that it was to be paid on is no more.
    """

    intent_id: str | None
    status: str
    amount_received: int = 0
    amount_refunded: int = 0
    decline: Decline | None = None
    order_id: str | None = None
    payment_id: str | None = None
    client_secret: str | None = None
    amount_capturable: int = 0
    capture_before: datetime | None = None
    multicapture: bool = False
    disputed: bool = False
    review: str | None = None
    closed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether money may still come in by it."""
        return self.status not in ("canceled", "succeeded") and not self.closed


@dataclass(frozen=True)
class Pages:
    """Where Stripe's page sends the shopper, and until when it can be paid on."""

    success_url: str
    cancel_url: str
    open_until: datetime


@dataclass(frozen=True)
class Payment:
    """Money asked for an order; amounts beside `amount` are minor units of its currency.

    `attempt` counts an order's payments from 1. `captured` came in, `capturable` is held on the card until
    `capture_before`. Of refunds: `promised` is claimed, `waiting` the part that Stripe was not had to give
    yet, `refunded` went back, `not_returned` did not get through (all of it ever), `recalled` the part of
    that which had counted as refunded. `decline_id` is the last decline that was told. `unwanted`: nobody
    wants money by it any more. `reminded` are the disputes (`matter`) told of again as their evidence was
    due.

    Manual capture: `to_capture` is due for what has left, `all_left` says that no more will be due, `claim`
    is the capture that is under way, `capture_error` why there is none, `captures_refused` how many Stripe
    would not make, `captures_asked` the ids of those that staff asked for. `expiring`: the shopper was asked
    to pay anew. `replaces` is the payment that this one stands in for, `relieved` once that was let go of;
    `replaced_by` is the reverse.
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
    number: str = ""
    method: Method = Method.PAYMENT_INTENT
    capture: Capture = Capture.AUTOMATIC
    pages: Pages | None = None
    session_id: str | None = None
    capturable: int = 0
    capture_before: datetime | None = None
    multicapture: bool = False
    waiting: int = 0
    not_returned: int = 0
    recalled: int = 0
    disputes: tuple[Dispute, ...] = ()
    reminded: tuple[str, ...] = ()
    review: str | None = None
    to_capture: int = 0
    all_left: bool = False
    claim: Claim | None = None
    capture_error: str | None = None
    captures_refused: int = 0
    captures_asked: tuple[str, ...] = ()
    expiring: bool = False
    replaces: str | None = None
    relieved: bool = False
    replaced_by: str | None = None
    said_again: int = 0
    version: int = 1

    def sum_of(self, amount: int) -> Money:
        """So many minor units, in its currency."""
        return Money(amount=amount, currency=self.amount.currency)

    @property
    def is_open(self) -> bool:
        """Whether the shopper may pay by it."""
        return self.status in (Status.REQUIRES_PAYMENT, Status.PROCESSING) and not self.unwanted

    @property
    def is_over(self) -> bool:
        """Whether it ended without money, so that its order may have another."""
        return self.status in (Status.FAILED, Status.CANCELLED)

    @property
    def secured(self) -> int:
        """What came in or is held for us."""
        return self.captured + self.capturable

    @property
    def is_frozen(self) -> bool:
        """Whether a chargeback is open: nothing is given back meanwhile."""
        return any(each.is_open for each in self.disputes)

    @property
    def withheld(self) -> int:
        """What banks have of it until their disputes are decided."""
        return bank.held_back(self.disputes)

    @property
    def lost(self) -> int:
        """What banks gave back for good."""
        return bank.lost(self.disputes)


@dataclass(frozen=True)
class Slot:
    """An order's one place for a payment: who has it, the how manieth, and whether it is closed for good."""

    order_id: str
    payment_id: str | None = None
    attempt: int = 0
    closed: bool = False


def require_its_currency(payment: Payment, asked: Money | None) -> None:
    """Raise Invalid where what staff ask for is in another currency."""
    if asked and asked.currency != payment.amount.currency:
        raise invalid("/amount/currency", f"This payment is in {payment.amount.currency}.")


def observed(payment: Payment, intent: Intent, disputes: tuple[Dispute, ...] | None = None) -> Payment:
    """The payment after a look at Stripe; itself where there is nothing new.

    Sums are what Stripe says now, for a look is only written over the row that was read before it. `disputes`
    is None where they were not asked for. What refunds amount to is counted before (`refunds.counted`).
    """
    seen = replace(
        payment,
        provider_id=payment.provider_id or intent.intent_id,
        captured=intent.amount_received,
        capturable=intent.amount_capturable,
        capture_before=intent.capture_before or payment.capture_before,
        multicapture=intent.multicapture or payment.multicapture,
        disputes=payment.disputes if disputes is None else disputes,
        review=intent.review or payment.review,
    )
    status = _status(seen, Status.CANCELLED if intent.closed else STATUS_OF_INTENT[intent.status])
    decline = intent.decline if status is Status.REQUIRES_PAYMENT or intent.closed else None
    return replace(
        seen,
        status=status,
        claim=seen.claim if seen.claim and seen.claim.base == seen.captured and seen.capturable else None,
        reason=decline.reason if decline else payment.reason if status is Status.FAILED else None,
        decline_id=decline.decline_id if decline else payment.decline_id,
    )


def given_up(payment: Payment) -> Payment:
    """The payment of an order that was given up before Stripe knew of either."""
    status = Status.CANCELLED if payment.status in BEFORE_MONEY else payment.status
    return replace(payment, unwanted=True, status=status)


def is_of(payment: Payment, intent: Intent) -> bool:
    """Whether the intent is this payment's: it says so, and no other intent is known to be."""
    return (intent.payment_id, intent.order_id) == (payment.payment_id, payment.order_id) and (
        payment.provider_id in (None, intent.intent_id)
    )


def must_cancel(payment: Payment, intent: Intent) -> bool:
    """Whether money could still come in, or is still held, that nobody wants any more."""
    return intent.is_open and (payment.unwanted or payment.is_over)


def _status(payment: Payment, by_intent: Status) -> Status:
    """A chargeback outranks money, money outranks all else, and what was over without money stays over."""
    if any(each.is_open or each.is_lost for each in payment.disputes):
        return Status.DISPUTED
    if not payment.captured:
        return payment.status if payment.is_over else by_intent
    if not payment.refunded:
        return Status.SUCCEEDED
    return Status.REFUNDED if payment.refunded >= payment.captured else Status.PARTIALLY_REFUNDED
