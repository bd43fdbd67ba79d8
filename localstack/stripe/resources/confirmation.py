"""How an intent moves: confirmed, authenticated, charged, captured, cancelled, and when it may not.

Source: https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from typing import Any

from localstack.stripe import ids
from localstack.stripe.cards import Card
from localstack.stripe.errors import CardError, Object, StripeError, invalid, unexpected_state
from localstack.stripe.resources import charges, disputes, payment_methods
from localstack.stripe.resources.payment_methods import card_of
from localstack.stripe.routing import Params
from localstack.stripe.unit import Unit, public

AUTHORIZED_FOR = 7 * 24 * 3600  # seconds a bank holds money for a capture
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_ALLOWED = {
    "update": _OPEN,
    "confirm": _OPEN,
    "capture": ("requires_capture",),
    "cancel": (*_OPEN, "requires_capture"),
}
_UNAUTHENTICATED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new"
    " PaymentMethod to attempt to fulfill this PaymentIntent again."
)


def require(intent: Object, action: str) -> None:
    """400 unless the intent's status lets this be done."""
    if intent["status"] not in _ALLOWED[action]:
        raise unexpected_state(
            f"You cannot {action} this PaymentIntent because it has a status of {intent['status']}. Only a"
            f" PaymentIntent with one of the following statuses allows it: {', '.join(_ALLOWED[action])}.",
            public(intent),
        )


def method_for(unit: Unit, intent: Object, params: Params) -> Object:
    """The payment method that the parameters name or describe, else the intent's own."""
    if "payment_method_data" in params:
        return payment_methods.build(unit, params["payment_method_data"])
    named = params.get("payment_method") or intent["payment_method"]
    if named is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either"
            " update the PaymentIntent with a payment method and then confirm it again, or confirm it again"
            " directly with a payment method.",
            public(intent),
        )
    method = payment_methods.resolve(unit, named, "payment_method")
    if method["customer"] is None and method.get("_spent_on", intent["id"]) != intent["id"]:
        raise invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
            " attachment. It may not be used again. To use a PaymentMethod multiple times, attach it to a"
            " Customer first.",
            code="payment_method_unexpected_state",
            param="payment_method",
        )
    if method["customer"] and method["customer"] != intent["customer"]:
        raise invalid(
            "The provided PaymentMethod belongs to a Customer; give that customer on the PaymentIntent.",
            code="payment_intent_invalid_parameter",
            param="payment_method",
        )
    return method


def confirm(unit: Unit, intent: Object, params: Params) -> Object:
    """The intent `succeeded`, `requires_capture` or `requires_action`; CardError when the bank says no."""
    require(intent, "confirm")
    if intent["_wants_return_url"] and "return_url" not in params:
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because"
            " some of these payment methods might redirect your customer off of your page, you must provide a"
            " `return_url`. If you don't want to accept redirect-based payment methods, set"
            " `automatic_payment_methods[enabled]` to `true` and"
            " `automatic_payment_methods[allow_redirects]` to `never` when creating Payment Intents.",
            param="return_url",
        )
    method = method_for(unit, intent, params)
    unit.save(method)
    for name in ("receipt_email", "setup_future_usage", "capture_method"):
        if params.get(name):
            intent[name] = params[name]
    intent |= {"payment_method": method["id"], "last_payment_error": None, "next_action": None}
    if not card_of(method).secure:
        return _charge(unit, intent, method, authenticated=False)
    if params.get("off_session") or params.get("error_on_requires_action"):
        raise _refuse(
            unit,
            intent,
            method,
            CardError(
                "Your card was declined. This transaction requires authentication.",
                code="authentication_required",
                decline_code="authentication_required",
            ),
        )
    return _challenge(unit, intent, params)


def _challenge(unit: Unit, intent: Object, params: Params) -> Object:
    """Send the shopper to the bank's page; its address is good for this attempt only."""
    challenge = ids.token()
    url = f"{unit.base_url}/_pages/authenticate/{intent['id']}/{challenge}"
    back = params.get("return_url")
    action: Object = {
        "type": "redirect_to_url",
        "redirect_to_url": {"return_url": back, "url": url},
    }
    if back is None:
        action = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
        }
    intent |= {
        "status": "requires_action",
        "next_action": action,
        "_challenge": challenge,
        "_return_url": back,
    }
    unit.save(intent)
    unit.emit("payment_intent.requires_action", intent)
    return intent


def challenged(unit: Unit, id_: str, challenge: str) -> Object:
    """The intent whose shopper stands on the bank's page; 404 when that page is over."""
    intent = unit.store.get("payment_intent", id_)
    if intent is None or intent["status"] != "requires_action" or intent["_challenge"] != challenge:
        raise StripeError(404, "This page has been used, or never was.")
    return intent


def authenticate(unit: Unit, intent: Object, *, passed: bool) -> Object:
    """What the bank's page decides; a refusal is not raised, for the shopper sees it, not a caller."""
    method = unit.get("payment_method", intent["payment_method"])
    intent |= {"next_action": None, "_challenge": None}
    try:
        if passed:
            return _charge(unit, intent, method, authenticated=True)
        refusal = invalid(_UNAUTHENTICATED, code="payment_intent_authentication_failure")
        raise _refuse(unit, intent, method, refusal)
    except StripeError:
        return unit.get("payment_intent", intent["id"])


def _charge(unit: Unit, intent: Object, method: Object, *, authenticated: bool) -> Object:
    card = card_of(method)
    charge = charges.attempt(unit, intent, method, card, authenticated=authenticated)
    intent["latest_charge"] = charge["id"]
    if card.decline:
        refusal = CardError(
            card.decline_message, code=card.decline_code, decline_code=card.decline, charge=charge["id"]
        )
        raise _refuse(unit, intent, method, refusal)
    method["_spent_on"] = intent["id"]
    unit.save(method)
    if intent["capture_method"] == "manual":
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        unit.save(intent)
        unit.schedule(AUTHORIZED_FOR, "void_authorization", intent["id"])
        unit.emit("payment_intent.amount_capturable_updated", intent)
    else:
        _succeed(unit, intent, charge, card, intent["amount"])
    return intent


def _succeed(unit: Unit, intent: Object, charge: Object, card: Card, amount: int) -> None:
    intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
    unit.save(intent)
    unit.emit("payment_intent.succeeded", intent)
    if card.dispute:
        disputes.open_on(unit, charge, card)


def _refuse(unit: Unit, intent: Object, method: Object, refusal: StripeError) -> StripeError:
    """Write the refusal down on the intent, which awaits another means of payment, and complete the error."""
    shown: dict[str, Any] = {**refusal.body()["error"], "payment_method": public(method)}
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": shown,
    }
    unit.save(intent)
    unit.emit("payment_intent.payment_failed", intent)
    refusal.fields |= {"payment_method": public(method), "payment_intent": public(intent)}
    return refusal


def capture(unit: Unit, intent: Object, params: Params) -> Object:
    """Take all of what was authorised, or `amount_to_capture` of it."""
    require(intent, "capture")
    amount = int(
        params["amount_to_capture"] if "amount_to_capture" in params else intent["amount_capturable"]
    )
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount_to_capture",
        )
    if amount > intent["amount_capturable"]:
        raise invalid(
            f"The amount_to_capture {amount} is greater than the PaymentIntent's amount_capturable"
            f" {intent['amount_capturable']}.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    charge = charges.capture(unit, unit.get("charge", intent["latest_charge"]), amount)
    _succeed(unit, intent, charge, card_of(charge), amount)
    return intent


def cancel(unit: Unit, intent: Object, reason: str | None) -> Object:
    """No more will come of the intent; what the bank had set aside is let go."""
    require(intent, "cancel")
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": unit.today,
        "cancellation_reason": reason,
        "next_action": None,
    }
    unit.save(intent)
    unit.emit("payment_intent.canceled", intent)
    return intent


def void(unit: Unit, id_: str) -> None:
    """An authorisation that nobody captured in time expires."""
    intent = unit.store.get("payment_intent", id_)
    if intent is None or intent["status"] != "requires_capture":
        return
    charge = unit.get("charge", intent["latest_charge"])
    unit.emit("charge.expired", charge)
    cancel(unit, intent, "automatic")
