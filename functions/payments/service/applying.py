"""Stored Stripe events, applied: each says only that something changed; what it is now is asked of Stripe."""

from datetime import datetime

from payments import domain, stripe_gateway
from payments.domain import EventStatus, StripeEvent
from payments.service import refunding, settling
from payments.tables import inbox
from shared import observe
from shared.observe import log


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
    if event.intent_id is None or not domain.is_handled(event.type):
        return inbox.mark(event.event_id, EventStatus.IGNORED, "not about a payment")
    try:
        intent = stripe_gateway.intent(event.intent_id)
    except stripe_gateway.StripeRefused as refusal:
        return inbox.mark(event.event_id, EventStatus.IGNORED, refusal.code)
    payment = settling.of_intent(intent)
    if payment is None:
        # Made by hand, or by another shop on the same account; money in it is not booked here.
        log.warning("not our payment", extra={"intent": intent.intent_id})
        observe.count("ForeignIntents")
        return inbox.mark(event.event_id, EventStatus.IGNORED, "not one of our payments")
    if event.object_id.startswith("re_"):
        refunding.follow(event.object_id, payment.payment_id, now)
    settling.settle(payment.payment_id, now, intent_id=intent.intent_id, applied=event.event_id)
