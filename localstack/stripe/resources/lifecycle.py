"""The statuses of an intent: the actions that each allows, and the final statuses.

Source: https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from localstack.stripe.cards import Card
from localstack.stripe.errors import Object, unexpected_state
from localstack.stripe.resources import disputes, reviews
from localstack.stripe.unit import Unit, public

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_ALLOWED = {
    "update": _OPEN,
    "confirm": _OPEN,
    "capture": ("requires_capture",),
    "cancel": (*_OPEN, "requires_capture"),
}
_REFUSED = {"capture": "This PaymentIntent could not be captured"}


def require(intent: Object, action: str) -> None:
    """Raise a 400 unless the intent's status allows the action."""
    if intent["status"] not in _ALLOWED[action]:
        refused = _REFUSED.get(action, f"You cannot {action} this PaymentIntent")
        raise unexpected_state(
            f"{refused} because it has a status of {intent['status']}. Only a PaymentIntent with one of the"
            f" following statuses allows it: {', '.join(_ALLOWED[action])}.",
            public(intent),
        )


def require_no_session(intent: Object, action: str) -> None:
    """Raise a 400 if the intent belongs to a Checkout Session and holds no money."""
    if intent.get("_session") and intent["status"] != "requires_capture":
        raise unexpected_state(
            f"You cannot {action} this PaymentIntent because it was created by a Checkout Session. To cancel"
            " it, expire the Checkout Session instead.",
            public(intent),
        )


def succeed(unit: Unit, intent: Object, charge: Object, card: Card) -> None:
    """Set the intent to succeeded and its session to paid, and open the dispute of a dispute test card."""
    intent |= {
        "status": "succeeded",
        "amount_capturable": 0,
        "amount_received": charge["amount_captured"],
    }
    unit.save(intent)
    unit.emit("payment_intent.succeeded", intent)
    session = unit.store.get("checkout.session", intent.get("_session", ""))
    if session and session["status"] == "complete":  # it was unpaid while the money was only held
        session["payment_status"] = "paid"
        unit.save(session)
    if card.dispute:
        inquiry = card.dispute == "inquiry"
        disputes.open_for(unit, charge, "general" if inquiry else card.dispute, inquiry=inquiry)


def cancel(unit: Unit, intent: Object, reason: str | None) -> Object:
    """Cancel the intent and release its hold.

    Raises a 400 if a part was captured; the remainder is then released by a final capture of 0.
    """
    require(intent, "cancel")
    if intent["amount_received"]:
        raise unexpected_state(
            "You cannot cancel this PaymentIntent because a part of it was captured. To release what is"
            " uncaptured, capture an amount of 0 with `final_capture` set to `true`.",
            public(intent),
        )
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": unit.timestamp,
        "cancellation_reason": reason,
        "next_action": None,
    }
    unit.save(intent)
    unit.emit("payment_intent.canceled", intent)
    reviews.close_for(unit, intent, "canceled")
    return intent
