"""What payments says."""

from datetime import datetime, timedelta
from typing import Literal

from shared.events.envelope import Event, Fact
from shared.money import Money

# So long before its evidence is due a dispute is said again, and people are told that it is.
EVIDENCE_SOON = timedelta(days=3)


class PaymentFacts(Fact):
    """A payment of an order; all sums are what they are in all with this change.

    `amount` is what came in once any did, before that what is asked for. `secured` is what came in or is held
    on the card for us: an order is paid for when that is its total. `captured` came in, `refunded` went back;
    it goes down where a refund failed after all. `given_back` and `not_given_back` are what this change gave
    back, or turned out not to have given back. `reason` says why something failed, for the shopper.
    `number` is what people call the order by. `hold_until`: when an uncaptured hold lapses. `replaces` is the
    payment that this one stands in for: its order was paid for, and is paid anew.
    """

    payment_id: str
    order_id: str
    number: str
    user_id: str
    email: str
    amount: Money
    secured: Money
    captured: Money
    refunded: Money
    status: str
    reason: str | None = None
    given_back: Money | None = None
    not_given_back: Money | None = None
    hold_until: datetime | None = None
    replaces: str | None = None


class PaymentAuthorized(Event):
    """The money is held on the card, to be captured when goods leave (manual capture alone)."""

    type: Literal["payment.authorized"] = "payment.authorized"
    data: PaymentFacts


class PaymentSucceeded(Event):
    """Money came in: all of it, or with manual capture the first of it."""

    type: Literal["payment.succeeded"] = "payment.succeeded"
    data: PaymentFacts


class PaymentCaptured(Event):
    """More of what was held came in (manual capture alone; the first is told as `payment.succeeded` too)."""

    type: Literal["payment.captured"] = "payment.captured"
    data: PaymentFacts


class PaymentExpiring(Event):
    """A hold lapses soon and goods have not left: the shopper is asked to pay anew."""

    type: Literal["payment.expiring"] = "payment.expiring"
    data: PaymentFacts


class PaymentVoided(Event):
    """What was held, and not captured, is let go of: nothing more comes in by this payment."""

    type: Literal["payment.voided"] = "payment.voided"
    data: PaymentFacts


class PaymentFailed(Event):
    """A try was declined, or Stripe would not open the payment."""

    type: Literal["payment.failed"] = "payment.failed"
    data: PaymentFacts


class PaymentCaptureFailed(Event):
    """Goods left and the money for them could not be captured: a person must look."""

    type: Literal["payment.capture_failed"] = "payment.capture_failed"
    data: PaymentFacts


class PaymentRefunded(Event):
    type: Literal["payment.refunded"] = "payment.refunded"
    data: PaymentFacts


class PaymentRefundFailed(Event):
    """A refund did not get through, at once or days later: `refunded` is what is truly back."""

    type: Literal["payment.refund_failed"] = "payment.refund_failed"
    data: PaymentFacts


class DisputeFacts(Fact):
    """A shopper's bank asks for money back. `status` is Stripe's (`needs_response`, `under_review`, `won`,
    `lost`, and `warning_…` of mere inquiries); `withheld` is what the bank took of us for now."""

    payment_id: str
    order_id: str
    number: str
    user_id: str
    dispute_id: str
    status: str
    reason: str
    amount: Money
    withheld: Money
    evidence_due: datetime | None = None


class PaymentDisputed(Event):
    """A dispute was opened, changed, won or lost: its `status` says which."""

    type: Literal["payment.disputed"] = "payment.disputed"
    data: DisputeFacts


class ReviewFacts(Fact):
    """Stripe's Radar wants a person to look before goods leave: `open`, or how it was closed."""

    payment_id: str
    order_id: str
    number: str
    user_id: str
    status: str


class PaymentReviewed(Event):
    type: Literal["payment.reviewed"] = "payment.reviewed"
    data: ReviewFacts


class ReconciledFacts(Fact):
    """A comparison with Stripe that found what it could not explain or repair."""

    reconciliation_id: str
    unexplained: int
    summary: str


class PaymentsUnreconciled(Event):
    type: Literal["payment.unreconciled"] = "payment.unreconciled"
    data: ReconciledFacts
