"""Manual capture: capture the amount of shipped goods once, and never more than is authorized."""

from dataclasses import replace
from datetime import datetime

from payments import stripe_gateway
from payments.domain import follow_ups
from payments.domain import payments as rules
from payments.domain.captures import CaptureMethod, CaptureRefused, Claim, NothingToCapture
from payments.domain.payments import NoSuchPayment, Payment
from payments.service import syncing
from payments.service.syncing import Change
from payments.stripe_gateway import StripeRefused, StripeUnavailable
from payments.tables import payments
from shared.contracts.events.orders import FulfilmentData
from shared.dynamodb.rows import ConcurrentUpdate
from shared.runtime import observability
from shared.runtime.observability import log
from shared.values.money import Money

MAX_ROUNDS = 3  # captures per call; the sweeper continues with the amount that is still due
# Stripe's error codes for a capture without an authorization: https://docs.stripe.com/error-codes
EXPIRED = "charge_expired_for_capture"
VOIDED = "payment_intent_unexpected_state"


@stripe_gateway.within_deadline
def capture_shipped(fulfilment: FulfilmentData, now: datetime) -> None:
    """Capture the amount that is due for all goods shipped so far; an automatic capture needs nothing.

    Raises NoSuchPayment, StripeUnavailable or ConcurrentUpdate, so that the queue retries.
    """
    held = _paying_payment(fulfilment.payment_id) if fulfilment.payment_id else None
    if held is None or held.capture_method is CaptureMethod.AUTOMATIC:
        return
    due, fully_shipped = fulfilment.capture_due.amount, fulfilment.fully_shipped
    syncing.change(held.payment_id, lambda held: Change(rules.add_capture_due(held, due, fully_shipped)), now)
    after = capture_due(held.payment_id, now)
    if after.replacement.replaced_by and not held.replacement.replaced_by:
        # It was replaced meanwhile, and the new payment may not have taken over the amount due.
        capture_shipped(fulfilment, now)
    elif after.cancel_requested and after.capture_owed and not after.captures.error:
        _refuse(after.payment_id, after.captures.claim, VOIDED, now)


@stripe_gateway.within_deadline
def capture(payment_id: str, key: str, amount: Money | None, now: datetime) -> Payment:
    """Capture `amount`, or the full authorized amount, at staff's request, once per `key`; return the
    payment.

    Raises NoSuchPayment, Invalid, NothingToCapture, CaptureTooLarge, CaptureRefused, or Unavailable, in which
    case the same request may be repeated.
    """
    capture_due(payment_id, now)

    def request(held: Payment) -> Change:
        rules.require_same_currency(held, amount)
        if key not in held.captures.request_ids and held.captures.is_under_way:
            raise ConcurrentUpdate
        return Change(rules.request_capture(held, amount.amount if amount else None, key))

    syncing.change(payment_id, request, now)
    held = capture_due(payment_id, now)
    if held.captures.error:
        raise CaptureRefused("Stripe refused the capture.", code=held.captures.error)
    if held.cancel_requested and held.capture_owed:
        raise NothingToCapture("The order ended meanwhile, so the authorization is voided.")
    return held


def capture_due(payment_id: str, now: datetime) -> Payment:
    """Capture the amount that is due, one claim at a time, and return the payment.

    A claim is written before Stripe is called, and whoever finds it sends the same request. Two concurrent
    runs, or a run after a lost response, therefore capture once.
    """
    held = syncing.sync_from_stripe(payment_id, now)
    for _ in range(MAX_ROUNDS):
        if held.capture_method is CaptureMethod.AUTOMATIC or not follow_ups.owes_capture(held):
            break
        if not held.authorization.capturable:
            held = _refuse(payment_id, None, EXPIRED, now)
            continue
        held = syncing.change(payment_id, _claim, now)
        if held.captures.claim and held.stripe.intent_id:
            _send(held.stripe.intent_id, payment_id, held.captures.claim, now)
        held = syncing.sync_from_stripe(payment_id, now)
    return held


def _claim(held: Payment) -> Change:
    can_claim = follow_ups.owes_capture(held) and held.authorization.capturable
    return Change(rules.claim_capture(held) if can_claim else held)


def _send(intent_id: str, payment_id: str, claim: Claim, now: datetime) -> None:
    try:
        stripe_gateway.capture(intent_id, payment_id, claim)
    except StripeRefused as refusal:
        if syncing.sync_from_stripe(payment_id, now).captures.captured == claim.base:
            _refuse(payment_id, claim, refusal.reason, now)
    except StripeUnavailable as failure:
        if failure.failed and failure.replayed:
            # Stripe repeats this response for a day. The next run reads the intent, then uses a new key.
            syncing.change(payment_id, lambda held: _with_new_key(held, claim), now)
        raise


def _with_new_key(held: Payment, claim: Claim) -> Change:
    return Change(replace(held, captures=held.captures.with_new_key(claim)))


def _refuse(payment_id: str, claim: Claim | None, error: str, now: datetime) -> Payment:
    """Record why shipped goods cannot be captured, unless the claim changed meanwhile."""
    log.error("capture failed", extra={"payment_id": payment_id, "reason": error})
    observability.count("CapturesFailed")
    return syncing.change(payment_id, lambda held: Change(rules.refuse_capture(held, claim, error)), now)


def _paying_payment(payment_id: str) -> Payment:
    """Return the payment that pays the order now: this one, the one that replaced it, or the captured one
    that it was too late to replace. Raises NoSuchPayment."""
    held = payments.payment(payment_id)
    if held is None:
        raise NoSuchPayment("The payment does not exist.")
    replacement = held.replacement
    if held.cancel_requested and replacement.replaces:
        before = payments.payment(replacement.replaces)
        if before and before.captures.captured:
            return before
    return _paying_payment(replacement.replaced_by) if replacement.replaced_by else held
