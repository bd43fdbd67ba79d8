"""Applying stored Stripe events: an event only says which payment to synchronize."""

from dataclasses import replace
from datetime import datetime

from payments import stripe_gateway
from payments.domain.inbox import HANDLED, EventStatus, StripeEvent
from payments.domain.payments import NoSuchPayment, Payment
from payments.domain.reconciliation.differences import is_foreign
from payments.domain.stripe_objects import Method
from payments.service import sweeper, syncing
from payments.service.syncing import Change, ForeignIntent
from payments.stripe_gateway import sessions
from payments.tables import inbox, payments
from shared.runtime import observability
from shared.runtime.observability import log


@stripe_gateway.within_deadline
def apply(event_id: str, now: datetime) -> None:
    """Apply a stored event; one that is applied, ignored or deleted changes nothing.

    An exception (Stripe or a table is unavailable) is recorded on the event, which the queue then retries.
    Stripe's rate limit is no failure: the event stays `received`.
    """
    event = inbox.event(event_id)
    if event is None or event.status not in (EventStatus.RECEIVED, EventStatus.FAILED):
        return
    try:
        _apply(event, now)
    except Exception as error:
        if isinstance(error, stripe_gateway.StripeUnavailable) and error.rate_limited:
            inbox.mark_postponed(event)
        else:
            inbox.mark(event_id, EventStatus.FAILED, type(error).__name__)
        raise


def _apply(event: StripeEvent, now: datetime) -> None:
    if event.type not in HANDLED or not (event.intent_id or event.payment_id):
        return inbox.mark(event.event_id, EventStatus.IGNORED, "not about a payment")
    try:
        if event.intent_id:
            synced = _sync_intent(event, event.intent_id, now)
        else:
            synced = _sync_session(event, now)
    except stripe_gateway.StripeRefused as refusal:
        return inbox.mark(event.event_id, EventStatus.IGNORED, refusal.code)
    if synced is None:
        return inbox.mark(event.event_id, EventStatus.IGNORED, "not a payment of this shop")
    sweeper.follow_up_if_needed(synced, now)


def _sync_intent(event: StripeEvent, intent_id: str, now: datetime) -> Payment | None:
    """Synchronize the intent's payment; return None for an intent of another system.

    Most events name the payment, so that its row is read first and the intent once. The intent of the others
    (a dispute, a refund that was created in Stripe) is read twice: it names the payment, and its state counts
    only if it is read after the row.
    """
    if event.payment_id and (synced := _sync(event, event.payment_id, now)):
        return synced
    intent = stripe_gateway.intent(intent_id)
    if intent.payment_id and intent.payment_id != event.payment_id:
        if synced := _sync(event, intent.payment_id, now):
            return synced
    # Created manually, or by another shop of the same account. Its money is not in this ledger.
    log.warning("foreign intent ignored", extra={"intent": intent_id})
    if is_foreign(intent):
        observability.count("ForeignIntents")
    return None


def _sync(event: StripeEvent, payment_id: str, now: datetime) -> Payment | None:
    """Synchronize the payment; return None if it does not exist or does not own the event's intent."""
    try:
        return syncing.sync_from_stripe(payment_id, now, intent_id=event.intent_id, applied=event.event_id)
    except (NoSuchPayment, ForeignIntent):
        return None


def _sync_session(event: StripeEvent, now: datetime) -> Payment | None:
    payment = _of_session(event, now)
    return _sync(event, payment.payment_id, now) if payment else None


def _of_session(event: StripeEvent, now: datetime) -> Payment | None:
    """Return the payment of an unpaid Checkout Session. If the process died before the session's id was
    written, write it now."""
    held = payments.payment(event.payment_id or "")
    if held is None or held.stripe.method is not Method.CHECKOUT_SESSION:
        return None
    session_id = held.stripe.session_id
    if session_id is None and sessions.session(event.object_id).payment_id == held.payment_id:
        return syncing.change(held.payment_id, lambda held: _with_session(held, event.object_id), now)
    return held if session_id == event.object_id else None


def _with_session(held: Payment, session_id: str) -> Change:
    return Change(replace(held, stripe=replace(held.stripe, session_id=session_id)))
