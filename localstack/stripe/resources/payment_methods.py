"""Payment methods: cards and bank accounts, stored without their full numbers."""

import hashlib
from datetime import UTC, datetime

from localstack.stripe import cards, ids
from localstack.stripe.errors import CardError, Object, invalid
from localstack.stripe.paging import page
from localstack.stripe.resources import customers, fields
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit


def create(unit: Unit, params: Params) -> Object:
    method = build(unit, params)
    unit.save(method)
    return method


def build(unit: Unit, params: Params) -> Object:
    """Return a new, unsaved payment method from `type`, `card` or `bacs_debit`, and `billing_details`."""
    if params.get("type") == "bacs_debit" and isinstance(params.get("bacs_debit"), dict):
        details = params["bacs_debit"]
        sort_code, number = str(details.get("sort_code", "")), str(details.get("account_number", ""))
        return _method(unit, cards.by_account(sort_code, number), 0, 0, params)
    if params.get("type") != "card" or not params.get("card"):
        raise invalid(
            "Send `type=card` and `card`; the local Stripe supports only cards and Bacs debits.",
            code="parameter_missing",
            param="card",
        )
    details = params["card"]
    if token := details.get("token"):
        card = cards.by_token(token)
        if card is None:
            raise invalid(f"No such token: '{token[:80]}'", code="resource_missing", param="card[token]")
        return _method(unit, card, 12, current_year(unit) + 1, params)
    card = cards.by_number(str(details.get("number", "")))
    month, year = details.get("exp_month", 0), details.get("exp_year", 0)
    year += 2000 if 0 <= year < 100 else 0
    if not 1 <= month <= 12:
        raise CardError(
            "Your card's expiration month is invalid.", code="invalid_expiry_month", param="exp_month"
        )
    if not current_year(unit) <= year <= current_year(unit) + 50:
        raise CardError(
            "Your card's expiration year is invalid.", code="invalid_expiry_year", param="exp_year"
        )
    return _method(unit, card, month, year, params)


def current_year(unit: Unit) -> int:
    return datetime.fromtimestamp(unit.now, UTC).year


def _method(unit: Unit, card: cards.Card, month: int, year: int, params: Params) -> Object:
    return {
        "id": ids.new("pm"),
        "object": "payment_method",
        "allow_redisplay": params.get("allow_redisplay", "unspecified"),
        "billing_details": fields.person(params.get("billing_details")),
        card.kind: _account(card) if card.kind == "bacs_debit" else _card(card, month, year),
        "created": unit.timestamp,
        "customer": None,
        "livemode": False,
        "metadata": fields.metadata({}, params.get("metadata")),
        "type": card.kind,
        "_card": card.token,
    }


def _card(card: cards.Card, month: int, year: int) -> Object:
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "fail" if card.decline == "incorrect_cvc" else "pass",
        },
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": _fingerprint(card),
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _account(account: cards.Card) -> Object:
    return {
        "fingerprint": _fingerprint(account),
        "last4": account.last4,
        "sort_code": account.number[:6],
    }


def _fingerprint(card: cards.Card) -> str:
    return hashlib.sha256(card.number.encode()).hexdigest()[:16]


def card_of(method: Object) -> cards.Card:
    """Return the test card of a payment method or charge."""
    return cards.named(method["_card"])


def resolve(unit: Unit, id_: str, param: str | None = None) -> Object:
    """Return the payment method. As at Stripe, a name such as `pm_card_visa` returns a new one each time."""
    if card := cards.by_token(id_) if id_.startswith(("pm_card_", "pm_bacsDebit_")) else None:
        return _method(unit, card, 12, current_year(unit) + 1, {})
    return unit.get("payment_method", id_, param)


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    return resolve(unit, id_)


def update(unit: Unit, params: Params, id_: str) -> Object:
    method = unit.get("payment_method", id_)
    before = dict(method)
    if "billing_details" in params:
        method["billing_details"] = fields.person({**method["billing_details"], **params["billing_details"]})
    fields.change(method, params, ("allow_redisplay",))
    unit.save(method)
    unit.emit("payment_method.updated", method, before)
    return method


def attach(unit: Unit, params: Params, id_: str) -> Object:
    method = resolve(unit, id_)
    customer = customers.require_customer(unit, params["customer"] if "customer" in params else "")
    if method["customer"] not in (None, customer["id"]):
        raise invalid("The payment method you provided has already been attached to a customer.")
    card = card_of(method)
    if card.decline and not card.delayed and card.token != "chargeCustomerFail":
        raise CardError(card.decline_message, code=card.decline_code, decline_code=card.decline)
    method["customer"] = customer["id"]
    unit.save(method)
    unit.emit("payment_method.attached", method)
    return method


def detach(unit: Unit, params: Params, id_: str) -> Object:
    method = unit.get("payment_method", id_)
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    before = dict(method)
    method["customer"] = None
    unit.save(method)
    unit.emit("payment_method.detached", method, before)
    return method


def list_all(unit: Unit, params: Params) -> Object:
    return page(unit, "payment_method", params, "/v1/payment_methods", ("customer", "type"))


ROUTES = [
    Route("POST", "/v1/payment_methods", create, "PaymentMethodCreateParams"),
    Route("GET", "/v1/payment_methods", list_all, "PaymentMethodListParams"),
    Route("GET", "/v1/payment_methods/{id}", retrieve, "PaymentMethodRetrieveParams"),
    Route("POST", "/v1/payment_methods/{id}", update, "PaymentMethodUpdateParams"),
    Route("POST", "/v1/payment_methods/{id}/attach", attach, "PaymentMethodAttachParams"),
    Route("POST", "/v1/payment_methods/{id}/detach", detach, "PaymentMethodDetachParams"),
]
