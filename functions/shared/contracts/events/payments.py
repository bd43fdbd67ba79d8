"""Events of payments."""

from datetime import datetime
from typing import Literal

from shared.contracts.events.envelope import Event, EventData
from shared.values.money import Money


class PaymentData(EventData):
    """A payment of an order. Amounts are totals after this change, except those named below.

    `amount` is the captured amount, or the requested amount while nothing is captured. `secured` is captured
    or authorized: an order is paid when it equals the total. `refunded` decreases if a refund fails later.
    `refund_amount` and `failed_refund_amount` are what this change refunded or failed to refund. `reason` is
    Stripe's decline code or error code. `number` is the order number. `hold_until` is when an uncaptured
    authorization expires. `replaces` is the payment that this one replaces.
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
    refund_amount: Money | None = None
    failed_refund_amount: Money | None = None
    hold_until: datetime | None = None
    replaces: str | None = None


class PaymentAuthorized(Event):
    """The amount is authorized, to be captured when goods ship (manual capture only)."""

    type: Literal["payment.authorized"] = "payment.authorized"
    data: PaymentData


class PaymentSucceeded(Event):
    """Money was captured: the full amount, or with manual capture the first part."""

    type: Literal["payment.succeeded"] = "payment.succeeded"
    data: PaymentData


class PaymentCaptured(Event):
    """A capture succeeded (manual capture only; the first one is published as `payment.succeeded` too)."""

    type: Literal["payment.captured"] = "payment.captured"
    data: PaymentData


class PaymentExpiring(Event):
    """An authorization expires soon and goods are not shipped: the shopper has to pay again."""

    type: Literal["payment.expiring"] = "payment.expiring"
    data: PaymentData


class PaymentVoided(Event):
    """The uncaptured authorization was released: this payment captures nothing more."""

    type: Literal["payment.voided"] = "payment.voided"
    data: PaymentData


class PaymentFailed(Event):
    """A payment attempt was declined, or Stripe rejected the payment."""

    type: Literal["payment.failed"] = "payment.failed"
    data: PaymentData


class PaymentCaptureFailed(Event):
    """Goods were shipped and their amount could not be captured: staff must act."""

    type: Literal["payment.capture_failed"] = "payment.capture_failed"
    data: PaymentData


class PaymentRefunded(Event):
    type: Literal["payment.refunded"] = "payment.refunded"
    data: PaymentData


class PaymentRefundFailed(Event):
    """A refund failed, at once or days later; `refunded` is what was really refunded."""

    type: Literal["payment.refund_failed"] = "payment.refund_failed"
    data: PaymentData


class DisputeData(EventData):
    """A dispute. `status` is Stripe's (`needs_response`, `under_review`, `won`, `lost`, and `warning_…` for
    inquiries); `reason` is Stripe's code; `withheld` is the amount that the bank withholds."""

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
    """A dispute was opened, changed, won or lost, as its `status` says."""

    type: Literal["payment.disputed"] = "payment.disputed"
    data: DisputeData


class ReviewData(EventData):
    """A review by Stripe Radar: `status` is `open`, or the reason why it was closed."""

    payment_id: str
    order_id: str
    number: str
    user_id: str
    status: str


class PaymentReviewed(Event):
    type: Literal["payment.reviewed"] = "payment.reviewed"
    data: ReviewData


class DifferencesData(EventData):
    """The differences of one kind: their number, and the ids of a few payments or objects of Stripe."""

    kind: str
    count: int
    ids: list[str]


class ReconciliationData(EventData):
    """A reconciliation with Stripe that found differences which it could neither explain nor repair.

    `differences` are those that are stored; the run counts more if there are too many.
    """

    reconciliation_id: str
    unexplained: int
    differences: list[DifferencesData]


class PaymentsUnreconciled(Event):
    type: Literal["payment.unreconciled"] = "payment.unreconciled"
    data: ReconciliationData
