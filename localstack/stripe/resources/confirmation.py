"""Confirmation of an intent: payment method, authentication and charge.

Source: https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from typing import Any

from localstack.stripe import ids
from localstack.stripe.cards import Card
from localstack.stripe.errors import CardError, Object, StripeError, invalid, unexpected_state
from localstack.stripe.resources import charges, fields, holds, payment_methods, reviews
from localstack.stripe.resources.lifecycle import require, succeed
from localstack.stripe.resources.payment_methods import card_of
from localstack.stripe.routing import Params
from localstack.stripe.unit import Unit, public

DEBIT_DELAY = 2.0  # seconds until the outcome of a direct debit; in reality days
_UNAUTHENTICATED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new"
    " PaymentMethod to attempt to fulfill this PaymentIntent again."
)


def method_for(unit: Unit, intent: Object, params: Params) -> Object:
    """Return the payment method of the parameters, or the intent's own."""
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
    if method["customer"] is None and method.get("_used_by", intent["id"]) != intent["id"]:
        raise invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
            " attachment. It may not be used again. To use a PaymentMethod multiple times, attach it to a"
            " Customer first.",
            code="payment_method_unexpected_state",
            param="payment_method",
        )
    if method["customer"] and method["customer"] != intent["customer"]:
        raise invalid(
            "The provided PaymentMethod belongs to a Customer. Set this Customer on the PaymentIntent.",
            code="payment_intent_invalid_parameter",
            param="payment_method",
        )
    return method


def confirm(unit: Unit, intent: Object, params: Params) -> Object:
    """Confirm the intent, which succeeds, holds the money or requires an action. Raises CardError."""
    require(intent, "confirm")
    if intent["_requires_return_url"] and "return_url" not in params:
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
    fields.card_options(intent, params)
    intent |= {"payment_method": method["id"], "last_payment_error": None, "next_action": None}
    if card_of(method).delayed:
        _require_debit(intent)
    if not card_of(method).requires_authentication:
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


def _require_debit(intent: Object) -> None:
    """Raise a 400 unless the payment is in GBP and captured automatically."""
    if intent["currency"] != "gbp" or charges.capture_method(intent) == "manual":
        raise invalid(
            "The payment method type `bacs_debit` is for payments in gbp that are captured automatically.",
            code="payment_intent_invalid_parameter",
            param="payment_method",
        )


def _challenge(unit: Unit, intent: Object, params: Params) -> Object:
    """Require authentication on the bank's page; its URL is valid for this attempt only."""
    challenge = ids.token()
    url = f"{unit.base_url}/_pages/authenticate/{intent['id']}/{challenge}"
    return_url = params.get("return_url")
    action: Object = {
        "type": "redirect_to_url",
        "redirect_to_url": {"return_url": return_url, "url": url},
    }
    if return_url is None:
        action = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
        }
    intent |= {
        "status": "requires_action",
        "next_action": action,
        "_challenge": challenge,
        "_return_url": return_url,
    }
    unit.save(intent)
    unit.emit("payment_intent.requires_action", intent)
    return intent


def intent_of_challenge(unit: Unit, id_: str, challenge: str) -> Object:
    """Return the intent of an authentication page. Raises a 404 if the page is no longer valid."""
    intent = unit.store.get("payment_intent", id_)
    if intent is None or intent["status"] != "requires_action" or intent["_challenge"] != challenge:
        raise StripeError(404, "This page was used already or never existed.")
    return intent


def authenticate(unit: Unit, intent: Object, *, passed: bool) -> Object:
    """Finish the authentication. A decline is not raised, because the shopper's page shows it."""
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
    if charge["status"] == "pending":
        intent["status"] = "processing"
        unit.save(intent)
        unit.schedule(DEBIT_DELAY, "finish_debit", intent["id"])
        unit.emit("payment_intent.processing", intent)
        return intent
    if card.decline:
        raise _refuse(unit, intent, method, _declined(card, charge))
    method["_used_by"] = intent["id"]
    unit.save(method)
    if card.review:
        reviews.open_for(unit, intent, charge, "rule")
    if charge["captured"]:
        succeed(unit, intent, charge, card)
    else:
        holds.place(unit, intent, charge)
    return intent


def finish_debit(unit: Unit, intent: Object) -> None:
    """Record the outcome of a debit: the intent succeeded or requires another payment method."""
    charge = unit.get("charge", intent["latest_charge"])
    card = card_of(charge)
    charges.record_debit_outcome(unit, charge, card)
    if card.decline:
        _refuse(unit, intent, unit.get("payment_method", intent["payment_method"]), _declined(card, charge))
    else:
        succeed(unit, intent, charge, card)


def _declined(card: Card, charge: Object) -> CardError:
    return CardError(
        card.decline_message, code=card.decline_code, decline_code=card.decline, charge=charge["id"]
    )


def _refuse(unit: Unit, intent: Object, method: Object, refusal: StripeError) -> StripeError:
    """Record the failure on the intent, which then requires a payment method, and complete the error."""
    error: dict[str, Any] = {**refusal.body()["error"], "payment_method": public(method)}
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": error,
    }
    unit.save(intent)
    unit.emit("payment_intent.payment_failed", intent)
    refusal.fields |= {"payment_method": public(method), "payment_intent": public(intent)}
    return refusal
