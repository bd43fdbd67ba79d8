"""Refunds: each is created once at Stripe, and their total never exceeds the captured amount."""

from dataclasses import dataclass, replace
from datetime import datetime

from payments import stripe_gateway
from payments.domain import follow_ups
from payments.domain import payments as payment_rules
from payments.domain import refunds as rules
from payments.domain.payments import NoSuchPayment, Payment
from payments.domain.refunds import PaymentDisputed, Refund, RefundRefused, RefundStatus
from payments.service import captures, syncing
from payments.service.syncing import Change
from payments.stripe_gateway import StripeRefused
from payments.stripe_gateway import refunds as stripe_refunds
from payments.tables import payments
from payments.tables import refunds as rows
from shared.contracts.events.orders import RefundDueData
from shared.errors import Unavailable
from shared.runtime import observability
from shared.runtime.observability import log
from shared.values.money import Money

NOTHING_LEFT = "nothing_refundable"


@dataclass(frozen=True)
class CreatedRefund:
    """A refund with its payment's currency."""

    refund: Refund
    currency: str


@stripe_gateway.within_deadline
def refund_due(due: RefundDueData, now: datetime) -> None:
    """Refund the amount that orders requests, once per `refund_key`, up to the refundable amount. If nothing
    is captured, void the payment instead.

    The refund's row reserves the amount first; a second run continues from that row. A refund that is not
    possible is stored as `failed` and counted (`RefundsFailed`) for staff. While a chargeback is open, the
    row waits. Raises Unavailable if the refund is for a part of an order that is not captured yet.
    """
    if _find(due.payment_id, due.refund_key) is None:
        held = syncing.sync_from_stripe(due.payment_id, now)  # finds refunds that were created in Stripe
        if follow_ups.owes_capture(held):
            held = captures.capture_due(due.payment_id, now)
        if not held.captures.captured and due.amount.amount < held.secured:
            raise Unavailable("The payment is not captured yet; the partial refund waits for the capture.")
        if not held.captures.captured:
            held = syncing.sync_from_stripe(due.payment_id, now, cancel=True)
        if not held.captures.captured:
            return
        syncing.change(due.payment_id, lambda held: _reserve_due(held, due, now), now)
    send_pending(due.payment_id, now)


@stripe_gateway.within_deadline
def create_refund(
    payment_id: str, key: str, amount: Money | None, reason: str, now: datetime
) -> CreatedRefund:
    """Refund `amount`, or the full refundable amount, at staff's request, once per `key`.

    Raises NoSuchPayment, Invalid, RefundTooLarge (`left` is the refundable amount), PaymentDisputed,
    RefundRefused, or StripeUnavailable: then the sweeper, or the same request, continues.
    """
    if _find(payment_id, key) is None:
        syncing.sync_from_stripe(payment_id, now)
        syncing.change(payment_id, lambda held: _reserve_requested(held, key, amount, reason, now), now)
    requested = _find(payment_id, key)
    refusal = send_pending(payment_id, now, only=requested.refund_id if requested else "")
    refund, held = _find(payment_id, key), payments.payment(payment_id)
    if held is None or refund is None or refund.status is RefundStatus.FAILED:
        raise RefundRefused(
            refusal or "Stripe could not complete the refund.", refund_id=refund.refund_id if refund else None
        )
    return CreatedRefund(refund, held.amount.currency)


def send_pending(payment_id: str, now: datetime, only: str | None = None) -> str | None:
    """Create the payment's requested refunds (or `only` one of them) at Stripe; return the last refusal's
    message.

    Stripe's refunds are read first, because Stripe deletes idempotency keys after a day.
    """
    held, refusal = syncing.sync_from_stripe(payment_id, now), None
    if not held.refunds.pending or held.disputes.any_open:
        return None
    for refund in rows.refunds_of(payment_id):
        if refund.status is RefundStatus.REQUESTED and only in (None, refund.refund_id):
            refusal = _send(held, refund, now)
            held = syncing.sync_from_stripe(payment_id, now)
    return refusal


def _send(held: Payment, refund: Refund, now: datetime) -> str | None:
    """Create one refund at Stripe; return the message of a refusal."""
    if held.stripe.intent_id is None:
        raise NoSuchPayment("The payment has no PaymentIntent.")
    part = held.refundable_part(refund)
    if not part:
        failed = replace(refund, status=RefundStatus.FAILED, already_refunded=True)
        _finish(refund, failed, now, NOTHING_LEFT)
        return "Nothing of the captured amount is refundable."
    if part < refund.amount:
        _report_reduced(refund, part)
        reduced = replace(refund, amount=part)
        _finish(refund, reduced, now)
        refund = reduced
    try:
        stripe_refunds.create_refund(held.stripe.intent_id, refund)
    except StripeRefused as refusal:
        # Read whether the refund exists after all, or whether a chargeback prevents it for now.
        after = syncing.sync_from_stripe(refund.payment_id, now)
        found = rows.refund(refund.payment_id, refund.refund_id)
        if after.disputes.any_open or found is None or found.status is not RefundStatus.REQUESTED:
            return None
        already_refunded = not after.refundable_part(refund)
        failed = replace(refund, status=RefundStatus.FAILED, already_refunded=already_refunded)
        _finish(refund, failed, now, refusal.code)
        return refusal.message
    return None


def _find(payment_id: str, key: str) -> Refund | None:
    return rules.find_by_key(rows.refunds_of(payment_id), payment_id, key)


def _reserve_due(held: Payment, due: RefundDueData, now: datetime) -> Change:
    """Reserve the refund that orders requested, up to the refundable amount; it is failed if that is zero."""
    if _find(held.payment_id, due.refund_key):
        return Change(held)
    refund_id = rules.new_id(held.payment_id, due.refund_key, now)
    refund = Refund(refund_id, held.payment_id, due.amount.amount, due.reason, now)
    left = held.refundable if due.amount.currency == held.amount.currency else 0
    if not left:
        _report_failed(refund, NOTHING_LEFT)
        return Change(held, [replace(refund, status=RefundStatus.FAILED, already_refunded=True)])
    if left < refund.amount:
        _report_reduced(refund, left)
    return _reserve(held, replace(refund, amount=min(left, refund.amount)))


def _reserve_requested(held: Payment, key: str, amount: Money | None, reason: str, now: datetime) -> Change:
    """Reserve the refund that staff requested."""
    if _find(held.payment_id, key):
        return Change(held)
    if held.disputes.any_open:
        raise PaymentDisputed("A chargeback is open; no refund is possible until the bank has decided.")
    payment_rules.require_same_currency(held, amount)
    requested = held.refundable if amount is None else amount.amount
    payment_rules.require_refundable(held, requested)
    refund_id = rules.new_id(held.payment_id, key, now)
    return _reserve(held, Refund(refund_id, held.payment_id, requested, reason, now))


def _reserve(held: Payment, refund: Refund) -> Change:
    return Change(replace(held, refunds=held.refunds.with_new(refund)), [refund])


def _finish(old: Refund, new: Refund, now: datetime, reason: str = "") -> None:
    """Write the outcome of a requested refund, unless a synchronization did so meanwhile."""
    written: list[Refund] = []

    def rule(held: Payment) -> Change:
        before = rows.refunds_of(old.payment_id)
        written[:] = [new] if old in before else []
        if not written:
            return Change(held)
        after = [new if each == old else each for each in before]
        return Change(replace(held, refunds=held.refunds.with_changes(before, after)), [new])

    syncing.change(old.payment_id, rule, now)
    if written and new.status is RefundStatus.FAILED:
        _report_failed(new, reason)


def _report_reduced(refund: Refund, left: int) -> None:
    log.warning("refund reduced", extra={"refund_id": refund.refund_id, "left": left})
    observability.count("RefundsReduced")


def _report_failed(refund: Refund, reason: str) -> None:
    log.error("refund failed", extra={"refund_id": refund.refund_id, "reason": reason})
    observability.count("RefundsFailed")
