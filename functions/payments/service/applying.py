"""Stored Stripe events, applied: each says only that something changed; what it is now is asked of Stripe."""

from dataclasses import replace
from datetime import datetime

from payments import stripe_gateway
from payments.domain.inbox import EventStatus, StripeEvent, is_handled
from payments.domain.payments import Method, Payment
from payments.domain.reconciling.differences import is_foreign
from payments.service import settling, tending
from payments.service.settling import Change
from payments.stripe_gateway import sessions
from payments.tables import inbox, payments
from shared.runtime import observability
from shared.runtime.observability import log


@stripe_gateway.patiently
def apply(event_id: str, now: datetime) -> None:
    """Apply a stored event; one that was applied, ignored or forgotten changes nothing.

    What is raised (Stripe or a table does not answer) is noted on the event, which then is tried again.
    """
    event = inbox.event(event_id)
    if event is None or event.status not in (EventStatus.RECEIVED, EventStatus.FAILED):
        return
    try:
        _apply(event, now)
    except Exception as error:
        inbox.mark(event_id, EventStatus.FAILED, type(error).__name__)
        raise


def _apply(event: StripeEvent, now: datetime) -> None:
    if not is_handled(event.type) or not (event.intent_id or event.payment_id):
        return inbox.mark(event.event_id, EventStatus.IGNORED, "not about a payment")
    try:
        payment = _of_intent(event.intent_id) if event.intent_id else _of_page(event, now)
    except stripe_gateway.StripeRefused as refusal:
        return inbox.mark(event.event_id, EventStatus.IGNORED, refusal.code)
    if payment is None:
        return inbox.mark(event.event_id, EventStatus.IGNORED, "not one of our payments")
    settled = settling.settle(payment.payment_id, now, intent_id=event.intent_id, applied=event.event_id)
    tending.finish(settled, now)


def _of_intent(intent_id: str) -> Payment | None:
    seen = stripe_gateway.intent(intent_id)
    payment = settling.of_intent(seen)
    if payment is None:
        # Made by hand, or by another shop on the same account; money in it is not booked here.
        log.warning("not our payment", extra={"intent": intent_id})
        if is_foreign(seen):
            observability.count("ForeignIntents")
    return payment


def _of_page(event: StripeEvent, now: datetime) -> Payment | None:
    """The payment of a checkout session that nobody has paid on; one that died before it wrote down the
    session's id learns it here."""
    held = payments.payment(event.payment_id or "")
    if held is None or held.method is not Method.CHECKOUT_SESSION:
        return None
    if held.session_id is None and sessions.session(event.object_id).payment_id == held.payment_id:
        return settling.change(
            held.payment_id, lambda held: Change(replace(held, session_id=event.object_id)), now
        )
    return held if held.session_id == event.object_id else None
