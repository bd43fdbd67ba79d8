"""Manual capture: what has left is paid for, once, and never more than is held."""

from datetime import datetime

from payments import stripe_gateway
from payments.domain import captures as rules
from payments.domain import holds
from payments.domain.captures import CaptureRefused, Claim, NothingToCapture
from payments.domain.payments import Capture, NoSuchPayment, Payment, require_its_currency
from payments.service import settling
from payments.service.settling import Change
from payments.stripe_gateway import StripeRefused, StripeUnavailable
from payments.tables import payments
from shared.contracts.events import FulfilmentData
from shared.dynamodb.rows import ConcurrentUpdate
from shared.runtime import observability
from shared.runtime.observability import log
from shared.values.money import Money

ROUNDS = 3  # what is still owed after so many captures, the sweeper goes on with
LAPSED = "The hold on the card is gone."
UNWANTED = "The hold on the card was let go of before the goods left."


@stripe_gateway.patiently
def shipped(parcel: FulfilmentData, now: datetime) -> None:
    """A parcel left: what is due for all that has left is captured. A payment that took the money as it was
    made has nothing to do. Raises NoSuchPayment, StripeUnavailable, Contended: the message comes again."""
    held = _bearer(parcel.payment_id) if parcel.payment_id else None
    if held is None or held.capture is Capture.AUTOMATIC:
        return
    due, complete = parcel.capture_due.amount, parcel.fully_shipped
    settling.change(held.payment_id, lambda held: Change(rules.due(held, due, complete)), now)
    after = collect(held.payment_id, now)
    if after.replaced_by and not held.replaced_by:
        # It gave its place away meanwhile, and what is due may not have gone along.
        shipped(parcel, now)
    elif after.unwanted and rules.owed(after) and not after.capture_error:
        _fail(after.payment_id, after.claim, UNWANTED, now)


@stripe_gateway.patiently
def capture(payment_id: str, key: str, amount: Money | None, now: datetime) -> Payment:
    """Capture `amount`, or all that is held, as staff ask for it, once a `key`; the payment then.

    Raises NoSuchPayment, Invalid, NothingToCapture, CaptureTooLarge, CaptureRefused, or Unavailable: asked
    again it goes on.
    """
    collect(payment_id, now)

    def ask(held: Payment) -> Change:
        require_its_currency(held, amount)
        if key not in held.captures_asked and rules.is_under_way(held):
            raise ConcurrentUpdate
        return Change(rules.asked(held, amount.amount if amount else None, key))

    settling.change(payment_id, ask, now)
    held = collect(payment_id, now)
    if held.capture_error:
        raise CaptureRefused(held.capture_error)
    if held.unwanted and rules.owed(held):
        raise NothingToCapture("The order ended meanwhile, and what was held is let go of.")
    return held


def collect(payment_id: str, now: datetime) -> Payment:
    """Capture what is due and did not come in, a claim at a time; the payment then.

    A claim is written before Stripe is asked, and whoever finds it asks for the same: so two who capture at
    once, or one whose answer was lost, take it once.
    """
    held = settling.settle(payment_id, now)
    for _ in range(ROUNDS):
        if held.capture is Capture.AUTOMATIC or not holds.owes_capture(held):
            break
        if held.capturable:
            held = settling.change(payment_id, _claim, now)
            if held.claim and held.provider_id:
                _take(held.provider_id, payment_id, held.claim, now)
            held = settling.settle(payment_id, now)
        else:
            held = _fail(payment_id, None, LAPSED, now)
    return held


def _claim(held: Payment) -> Change:
    return Change(rules.claimed(held) if holds.owes_capture(held) and held.capturable else held)


def _take(intent_id: str, payment_id: str, claim: Claim, now: datetime) -> None:
    try:
        stripe_gateway.capture(intent_id, payment_id, claim)
    except StripeRefused as refusal:
        if settling.settle(payment_id, now).captured == claim.base:
            _fail(payment_id, claim, refusal.message, now)
    except StripeUnavailable as failure:
        if failure.failed and failure.replayed:
            # For a day this key has no other answer. The next try looks first, and asks under another.
            settling.change(payment_id, lambda held: Change(rules.failed(held, claim)), now)
        raise


def _fail(payment_id: str, claim: Claim | None, why: str, now: datetime) -> Payment:
    """Keep why goods that left are not paid for, unless that changed meanwhile."""
    log.error("capture failed", extra={"payment_id": payment_id, "reason": why})
    observability.count("CapturesFailed")
    return settling.change(payment_id, lambda held: Change(rules.refused(held, claim, why)), now)


def _bearer(payment_id: str) -> Payment:
    """The payment, or the one that stands in for it now: a newer one, or, where that came too late, the one
    that it was to replace. Raises NoSuchPayment."""
    held = payments.payment(payment_id)
    if held is None:
        raise NoSuchPayment("There is no such payment.")
    if held.unwanted and held.replaces:
        before = payments.payment(held.replaces)
        if before and before.captured:
            return before
    return _bearer(held.replaced_by) if held.replaced_by else held
