"""The payment: its value objects, its status, and how it changes with Stripe's PaymentIntent."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from payments.domain.authorizations import Authorization
from payments.domain.captures import CaptureMethod, Captures, CaptureTooLarge, Claim, NothingToCapture
from payments.domain.disputes import Dispute, Disputes
from payments.domain.refunds import Refund, RefundTooLarge, RefundTotals
from payments.domain.stripe_objects import Intent, StripeRefs
from shared.errors import Conflict, NotFound, invalid
from shared.values.money import Money
from shared.values.money_format import format_money


class OrderNotPayableMembers(TypedDict):
    """The status of the order that cannot be paid."""

    order_status: Annotated[str, Field(description="The order's status.")]


class OrderNotPayable(Conflict):
    """The order does not await a payment, or its total is zero."""

    members = OrderNotPayableMembers


class PaymentRefusedMembers(TypedDict):
    """The reason of the refusal."""

    code: Annotated[str, Field(description="Stripe's error code.")]


class PaymentRefused(Conflict):
    """Stripe refuses this payment, whatever the card."""

    advice = "Contact us with the `request_id`; the payment of this order cannot be opened."
    members = PaymentRefusedMembers


class NoSuchPayment(NotFound):
    """The payment does not exist, or it belongs to somebody else."""


class NoSuchOrder(NotFound):
    """The order does not exist, or it belongs to somebody else."""


class Status(StrEnum):
    """A payment's status, as the API shows it.

    After a decline the status is `requires_payment` with a reason, and the shopper may try another card.
    `failed` means that Stripe refused to create the payment (for example an amount below its minimum); the
    next attempt is a new payment. `disputed` means that a chargeback is open or lost; when it is won, the
    status follows the amounts again.
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


UNPAID = frozenset({Status.REQUIRES_PAYMENT, Status.PROCESSING, Status.AUTHORIZED})

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
class OrderRef:
    """The order that is paid, and its owner; `number` is the order number that people use."""

    order_id: str
    number: str
    user_id: str
    email: str


@dataclass(frozen=True)
class Replacement:
    """`replaces` is the payment whose authorization expires and whose place this one takes; `released` means
    that its authorization was released. `replaced_by` is the reverse of `replaces`."""

    replaces: str | None = None
    replaced_by: str | None = None
    released: bool = False


@dataclass(frozen=True)
class Payment:
    """A payment of an order; amounts besides `amount` are minor units of its currency.

    `attempt` counts the order's payments from 1. `cancel_requested` means that its order ended or another
    payment took its place. `reason` is Stripe's code of the last decline, `decline_id` the id of the last
    published decline, `review` the state of Stripe Radar's review, `republish_count` how often its events
    were published again.
    """

    payment_id: str
    order: OrderRef
    amount: Money
    attempt: int
    created_at: datetime
    updated_at: datetime
    status: Status = Status.REQUIRES_PAYMENT
    reason: str | None = None
    decline_id: str | None = None
    cancel_requested: bool = False
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    stripe: StripeRefs = field(default_factory=StripeRefs)
    authorization: Authorization = field(default_factory=Authorization)
    captures: Captures = field(default_factory=Captures)
    refunds: RefundTotals = field(default_factory=RefundTotals)
    disputes: Disputes = field(default_factory=Disputes)
    replacement: Replacement = field(default_factory=Replacement)
    review: str | None = None
    republish_count: int = 0
    version: int = 1

    def money(self, amount: int) -> Money:
        """Return an amount of minor units in the payment's currency."""
        return Money(amount=amount, currency=self.amount.currency)

    @property
    def is_open(self) -> bool:
        """Whether the shopper may pay it."""
        return self.status in (Status.REQUIRES_PAYMENT, Status.PROCESSING) and not self.cancel_requested

    @property
    def is_over(self) -> bool:
        """Whether it ended unpaid, so that the order may have another payment."""
        return self.status in (Status.FAILED, Status.CANCELLED)

    @property
    def secured(self) -> int:
        """The captured and the authorized amount."""
        return self.captures.captured + self.authorization.capturable

    @property
    def capture_owed(self) -> int:
        """The amount that is due for shipped goods and not captured."""
        return max(0, min(self.captures.due, self.amount.amount) - self.captures.captured)

    @property
    def refundable(self) -> int:
        """The captured amount that is neither reserved for refunds nor lost to a bank."""
        return max(0, self.captures.captured - self.refunds.reserved - self.disputes.lost)

    def refundable_part(self, refund: Refund) -> int:
        """Return how much of a requested refund is possible now. It may be less than was reserved, because
        staff refunded in Stripe or a bank took the amount since then."""
        return max(0, min(refund.amount, self.captures.captured - self.refunds.refunded - self.disputes.lost))


@dataclass(frozen=True)
class ActivePayment:
    """The order's one active payment: its id, its attempt number, and whether the order accepts no more."""

    order_id: str
    payment_id: str | None = None
    attempt: int = 0
    closed: bool = False


def require_same_currency(payment: Payment, amount: Money | None) -> None:
    """Raise Invalid if the requested amount is in another currency than the payment."""
    if amount and amount.currency != payment.amount.currency:
        raise invalid("/amount/currency", f"This payment is in {payment.amount.currency}.")


def require_refundable(payment: Payment, amount: int) -> None:
    """Raise RefundTooLarge if `amount` (minor units) is not positive or exceeds the refundable amount."""
    left = payment.money(payment.refundable)
    if not 0 < amount <= left.amount:
        raise RefundTooLarge(f"The refundable amount is {format_money(left)}.", left=left.model_dump())


def observe(payment: Payment, intent: Intent, disputes: tuple[Dispute, ...] | None = None) -> Payment:
    """Return the payment in the state that Stripe reports; the same payment if nothing changed.

    Amounts are Stripe's current ones, because the result is only written over the row that was read before
    Stripe was called. `disputes` is None if they were not requested. The refund totals are updated before
    (`RefundTotals.with_changes`).
    """
    authorization = payment.authorization
    seen = replace(
        payment,
        stripe=replace(payment.stripe, intent_id=payment.stripe.intent_id or intent.intent_id),
        captures=payment.captures.with_observed(intent.amount_received, intent.amount_capturable),
        authorization=replace(
            authorization,
            capturable=intent.amount_capturable,
            hold_until=intent.hold_until or authorization.hold_until,
            multicapture=intent.multicapture or authorization.multicapture,
        ),
        disputes=payment.disputes if disputes is None else replace(payment.disputes, items=disputes),
        review=intent.review or payment.review,
    )
    status = _status(seen, Status.CANCELLED if intent.closed else STATUS_OF_INTENT[intent.status])
    decline = intent.decline if status is Status.REQUIRES_PAYMENT or intent.closed else None
    return replace(
        seen,
        status=status,
        reason=decline.code if decline else payment.reason if status is Status.FAILED else None,
        decline_id=decline.decline_id if decline else payment.decline_id,
    )


def _status(payment: Payment, by_intent: Status) -> Status:
    """A chargeback outranks the amounts, captured money outranks the rest, and an ended payment stays
    ended."""
    if payment.disputes.any_open or payment.disputes.any_lost:
        return Status.DISPUTED
    if not payment.captures.captured:
        return payment.status if payment.is_over else by_intent
    if not payment.refunds.refunded:
        return Status.SUCCEEDED
    fully = payment.refunds.refunded >= payment.captures.captured
    return Status.REFUNDED if fully else Status.PARTIALLY_REFUNDED


def cancel_unopened(payment: Payment) -> Payment:
    """Return the payment cancelled, for one that has no PaymentIntent at Stripe."""
    status = Status.CANCELLED if payment.status in UNPAID else payment.status
    return replace(payment, cancel_requested=True, status=status)


def owns_intent(
    payment: Payment, intent_id: str | None, payment_id: str | None, order_id: str | None
) -> bool:
    """Return whether a PaymentIntent with this metadata is the payment's: it names the payment, which has no
    other intent."""
    names = (payment_id, order_id) == (payment.payment_id, payment.order.order_id)
    return names and payment.stripe.intent_id in (None, intent_id)


def must_cancel(payment: Payment, intent: Intent) -> bool:
    """Return whether the intent can still be paid or captured although the payment has ended."""
    return intent.is_open and (payment.cancel_requested or payment.is_over)


def add_capture_due(payment: Payment, due: int, fully_shipped: bool) -> Payment:
    """Return the payment with the total that is due for all shipped goods, in minor units."""
    return replace(payment, captures=payment.captures.with_due(due, fully_shipped))


def claim_capture(payment: Payment) -> Payment:
    """Return the payment with its next capture claimed."""
    claimed = payment.captures.with_claim(payment.capture_owed, payment.authorization)
    return replace(payment, captures=claimed)


def request_capture(payment: Payment, amount: int | None, request_id: str) -> Payment:
    """Return the payment with a capture claimed at staff's request, once per id.

    `amount` is in minor units; None means the full authorized amount. Raises NothingToCapture or
    CaptureTooLarge.
    """
    capturable = payment.authorization.capturable
    if request_id in payment.captures.request_ids:
        return payment
    if payment.cancel_requested or not capturable:
        raise NothingToCapture("No amount is authorized that could be captured.")
    amount = capturable if amount is None else amount
    if not 0 < amount <= capturable:
        left = payment.money(capturable)
        raise CaptureTooLarge(f"The authorized amount is {format_money(left)}.", left=left.model_dump())
    requested = payment.captures.with_request(request_id, amount, payment.authorization)
    return replace(payment, captures=requested)


def refuse_capture(payment: Payment, claim: Claim | None, error: str) -> Payment:
    """Return the payment with its capture abandoned; the same payment if it has another claim by now."""
    if payment.captures.claim != claim or payment.captures.error or not payment.capture_owed:
        return payment
    return replace(payment, captures=payment.captures.with_refusal(error))
