"""Responses of the payments API."""

from datetime import datetime
from typing import Any, Literal

from payments.domain.checkout import Opened
from payments.domain.inbox import EventStatus, StripeEvent
from payments.domain.ledger import Account, Entry
from payments.domain.payments import Payment, Status
from payments.domain.reconciliation.differences import Finding, Kind, Repair
from payments.domain.reconciliation.runs import Run, RunStatus
from payments.domain.refunds import Refund, RefundStatus
from payments.domain.stripe_objects import Method
from shared.contracts.reasons import cardholder_reason
from shared.http.identity import Caller
from shared.http.routing import View
from shared.values.money import Money


class PaymentView(View):
    """A payment. `reason` is the code of the last decline, or of a capture that Stripe refused.

    Staff see Stripe's code; owners see `generic_decline` instead of a confidential one. `held` is authorized
    and not captured; it expires at `hold_until`.
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
    hold_until: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, payment: Payment, caller: Caller) -> "PaymentView":
        reason = payment.captures.error or payment.reason
        return cls(
            payment_id=payment.payment_id,
            order_id=payment.order.order_id,
            status=payment.status,
            amount=payment.amount,
            captured=payment.money(payment.captures.captured),
            held=payment.money(payment.authorization.capturable),
            refunded=payment.money(payment.refunds.refunded),
            method=payment.stripe.method,
            provider_id=payment.stripe.intent_id or payment.stripe.session_id,
            reason=reason if caller.is_staff or reason is None else cardholder_reason(reason),
            hold_until=payment.authorization.hold_until if payment.authorization.capturable else None,
            created_at=payment.created_at,
            updated_at=payment.updated_at,
            version=payment.version,
        )


class OpenedPaymentView(View):
    """An open payment. Pass `client_secret` to Stripe.js in the shopper's browser and nowhere else, or
    redirect the shopper to `checkout_url`."""

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
            order_id=payment.order.order_id,
            status=payment.status,
            amount=payment.amount,
            client_secret=opened.client_secret,
            checkout_url=opened.checkout_url,
            provider_id=payment.stripe.intent_id or payment.stripe.session_id,
        )


class RefundView(View):
    """A refund. `requested`: not yet sent to Stripe; `failed`: Stripe could not complete it. `reason` is a
    code or a text of staff."""

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
    """A posting to one account."""

    account: Account
    amount: Money


class LedgerEntryView(View):
    """The double-entry postings of one change: `lines` sum to zero; debits are positive, credits negative."""

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
    """The confirmation that the event is stored."""

    received: bool = True


class WebhookView(View):
    """A stored Stripe event, without its payload."""

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
    """The event that is queued again."""

    event_id: str
    status: Literal[EventStatus.RECEIVED] = EventStatus.RECEIVED


class ReconciliationView(View):
    """A reconciliation of the objects that Stripe created between `since` and `until`.

    `looked_at` counts Stripe's objects by kind, and the follow-ups of earlier reconciliations. Of the
    `differences`, some are `repaired` and some `unexplained` (staff must act); the next reconciliation checks
    the rest. `reason` says why a reconciliation failed.
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
        return cls(**_fields(run))


class FindingView(View):
    """A difference. `expected` follows from Stripe or the order; `found` was the stored state.

    `repair` is null if staff must decide. `repaired` is null until the next reconciliation has checked it,
    and false if staff must act.
    """

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
    """The reconciliation with its findings, up to a limit."""

    findings: list[FindingView]

    @classmethod
    def of(cls, run: Run) -> "ReconciliationReport":
        return cls(**_fields(run), findings=[FindingView.of(each) for each in run.findings])


def _fields(run: Run) -> dict[str, Any]:
    shown = {name: value for name, value in vars(run).items() if name in ReconciliationView.model_fields}
    return shown | vars(run.tally)
