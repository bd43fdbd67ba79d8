"""What the payments API takes and gives."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from payments.domain.checkout import Opened, Wish
from payments.domain.inbox import EventStatus, StripeEvent
from payments.domain.ledger import Account, Entry
from payments.domain.payments import Method, Payment, Status
from payments.domain.reconciling.differences import Finding, Kind, Repair
from payments.domain.reconciling.runs import Run, RunStatus
from payments.domain.refunds import Refund, RefundStatus
from shared.errors import invalid
from shared.http.paging import PageQuery
from shared.http.routing import Body, View
from shared.values.money import Money
from shared.values.text import MAX_LINE_LENGTH, SINGLE_LINE
from shared.values.timestamps import Timestamp

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
# Shoppers are sent there from Stripe's page: by TLS, or to the machine that a developer sits at.
Url = Annotated[
    str,
    StringConstraints(
        max_length=2_048,
        pattern=r"^(https://[A-Za-z0-9.-]+|http://(localhost|127\.0\.0\.1))(:\d{1,5})?([/?#][^\x00-\x20\x7f]*)?$",
    ),
]


class Part(Money):
    """What of a payment is asked for: something."""

    amount: Annotated[int, Field(ge=1, le=10**12)]


class OpenPayment(Body):
    """`success_url` and `cancel_url` belong to a checkout session, which must have both; a payment intent has
    no such page."""

    order_id: Id
    method: Literal["payment_intent", "checkout_session"] = "payment_intent"
    success_url: Url | None = None
    cancel_url: Url | None = None

    def wish(self) -> Wish:
        """Raises Invalid where an address is missing."""
        method = Method(self.method)
        for name in ("success_url", "cancel_url") if method is Method.CHECKOUT_SESSION else ():
            if getattr(self, name) is None:
                raise invalid(f"/{name}", "A checkout session needs an address to send the shopper to.")
        return Wish(method, self.success_url, self.cancel_url)


class CapturePayment(Body):
    """Without `amount`, all that is held. What a card cannot give a second time is let go."""

    amount: Part | None = None


class RefundPayment(Body):
    """Without `amount`, all that is left of what was captured."""

    amount: Part | None = None
    reason: Annotated[str, StringConstraints(pattern=SINGLE_LINE, max_length=MAX_LINE_LENGTH)] = (
        "asked for by staff"
    )


class PaymentsQuery(PageQuery):
    order_id: Id


class PaymentView(View):
    """A payment. `reason` says why the last try was declined, or why what left could not be captured.

    `captured` came in, `held` is on the card for us until `capture_before`, `refunded` went back.
    """

    payment_id: str
    order_id: str
    status: Status
    amount: Money
    captured: Money
    held: Money
    refunded: Money
    method: Method
    provider_id: str | None
    reason: str | None
    capture_before: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, payment: Payment) -> "PaymentView":
        return cls(
            payment_id=payment.payment_id,
            order_id=payment.order_id,
            status=payment.status,
            amount=payment.amount,
            captured=payment.sum_of(payment.captured),
            held=payment.sum_of(payment.capturable),
            refunded=payment.sum_of(payment.refunded),
            method=payment.method,
            provider_id=payment.provider_id or payment.session_id,
            reason=payment.capture_error or payment.reason,
            capture_before=payment.capture_before if payment.capturable else None,
            created_at=payment.created_at,
            updated_at=payment.updated_at,
            version=payment.version,
        )


class OpenedPaymentView(View):
    """A payment to be paid: `client_secret` goes to Stripe.js in the shopper's browser and nowhere else, or
    the shopper is sent to `checkout_url`."""

    payment_id: str
    order_id: str
    status: Status
    amount: Money
    client_secret: str | None
    checkout_url: str | None
    provider_id: str | None

    @classmethod
    def of(cls, opened: Opened) -> "OpenedPaymentView":
        payment = opened.payment
        return cls(
            payment_id=payment.payment_id,
            order_id=payment.order_id,
            status=payment.status,
            amount=payment.amount,
            client_secret=opened.client_secret,
            checkout_url=opened.checkout_url,
            provider_id=payment.provider_id or payment.session_id,
        )


class RefundView(View):
    """A refund. `requested`: Stripe was not had to give it yet; `failed`: it did not get through."""

    refund_id: str
    payment_id: str
    amount: Money
    status: RefundStatus
    reason: str
    provider_id: str | None
    created_at: datetime

    @classmethod
    def of(cls, refund: Refund, currency: str) -> "RefundView":
        return cls(
            refund_id=refund.refund_id,
            payment_id=refund.payment_id,
            amount=Money(amount=refund.amount, currency=currency),
            status=refund.status,
            reason=refund.reason,
            provider_id=refund.provider_id,
            created_at=refund.created_at,
        )


class LedgerLineView(View):
    account: Account
    amount: Money


class LedgerEntryView(View):
    """A change of a payment in double entry: `lines` sum to zero, debits above it, credits below."""

    version: int
    kind: str
    lines: list[LedgerLineView]
    reference: str | None
    at: datetime

    @classmethod
    def of(cls, entry: Entry) -> "LedgerEntryView":
        return cls(
            version=entry.version,
            kind=entry.kind,
            lines=[
                LedgerLineView(
                    account=line.account, amount=Money(amount=line.amount, currency=entry.currency)
                )
                for line in entry.lines
            ],
            reference=entry.reference,
            at=entry.at,
        )


class WebhookReceived(View):
    received: bool = True


class WebhooksQuery(PageQuery):
    """Without `status`: what failed first, then what waits, what was applied, what was ignored."""

    status: EventStatus | None = None


class WebhookView(View):
    """A Stripe event as it is kept, without its payload."""

    event_id: str
    type: str
    object_id: str
    status: EventStatus
    reason: str | None
    attempts: int
    received_at: datetime

    @classmethod
    def of(cls, event: StripeEvent) -> "WebhookView":
        return cls(
            event_id=event.event_id,
            type=event.type,
            object_id=event.object_id,
            status=event.status,
            reason=event.reason,
            attempts=event.attempts,
            received_at=event.received_at,
        )


class ReplayAccepted(View):
    event_id: str
    status: Literal[EventStatus.RECEIVED] = EventStatus.RECEIVED


class AskReconciliation(Body):
    """Everything at Stripe since then; without `since`, what came after the last comparison, and once a day
    all of the last 35 days."""

    since: Timestamp | None = None


class ReconciliationView(View):
    """A comparison of what Stripe made between `since` and `until` with what is held here.

    `looked_at` counts Stripe's objects by kind, and what earlier comparisons `asked` for; `differences` were
    found, `repaired` of them put right; `unexplained` wait for a person; the rest was asked for, and the next
    comparison sees whether it helped. `reason` says why it failed.
    """

    reconciliation_id: str
    status: RunStatus
    since: datetime
    until: datetime
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    looked_at: dict[str, int]
    differences: int
    repaired: int
    unexplained: int
    reason: str | None

    @classmethod
    def of(cls, run: Run) -> "ReconciliationView":
        return cls(**_counted(run))


class FindingView(View):
    """A difference: what Stripe or the order says (`expected`), what was held here (`found`), what was to be
    done (`repair`; null: it is up to a person), and whether a later look showed that it is `repaired` (null:
    not yet, the next comparison sees; false: a person must look)."""

    kind: Kind
    payment_id: str | None
    order_id: str | None
    provider_id: str
    expected: str
    found: str
    repair: Repair | None
    repaired: bool | None

    @classmethod
    def of(cls, finding: Finding) -> "FindingView":
        return cls.model_validate(finding, from_attributes=True)


class ReconciliationReport(ReconciliationView):
    """The comparison with its findings, as far as they are kept."""

    findings: list[FindingView]

    @classmethod
    def of(cls, run: Run) -> "ReconciliationReport":
        return cls(**_counted(run), findings=[FindingView.of(each) for each in run.findings])


def _counted(run: Run) -> dict[str, Any]:
    shown = {name: value for name, value in vars(run).items() if name in ReconciliationView.model_fields}
    return shown | vars(run.tally)
