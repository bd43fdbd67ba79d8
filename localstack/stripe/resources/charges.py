"""Charges: each attempt of an intent to move money, taken or refused by the bank."""

from localstack.stripe import ids
from localstack.stripe.cards import Card
from localstack.stripe.errors import Object
from localstack.stripe.paging import page
from localstack.stripe.resources import fields
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit


def attempt(unit: Unit, intent: Object, method: Object, card: Card, *, authenticated: bool) -> Object:
    """Put an intent's amount to the card's bank: a charge `succeeded` (captured or not) or `failed`."""
    paid = card.decline is None
    captured = paid and intent["capture_method"] != "manual"
    charge: Object = {
        "id": ids.new("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if captured else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": intent["application_fee_amount"],
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "LOCAL STRIPE",
        "captured": captured,
        "created": unit.today,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None if paid else card.decline_code,
        "failure_message": None if paid else card.decline_message,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": intent["on_behalf_of"],
        "outcome": _outcome(card),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(intent, method, authenticated=authenticated),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded" if paid else "failed",
        "transfer_data": intent["transfer_data"],
        "transfer_group": intent["transfer_group"],
        "_card": card.token,
    }
    unit.save(charge)
    unit.emit("charge.succeeded" if paid else "charge.failed", charge)
    return charge


def capture(unit: Unit, charge: Object, amount: int) -> Object:
    """Take `amount` of what the bank set aside; the rest is let go, which makes no refund."""
    charge["captured"], charge["amount_captured"] = True, amount
    unit.save(charge)
    unit.emit("charge.captured", charge)
    return charge


def _outcome(card: Card) -> Object:
    blocked = card.decline == "fraudulent"
    return {
        "advice_code": "do_not_try_again" if card.decline in ("lost_card", "stolen_card") else None,
        "network_advice_code": None,
        "network_decline_code": None if card.decline is None or blocked else "01",
        "network_status": "approved_by_network"
        if not card.decline
        else "not_sent_to_network"
        if blocked
        else "declined_by_network",
        "reason": "highest_risk_level" if blocked else card.decline,
        "risk_level": "highest" if blocked else "normal",
        "seller_message": "Payment complete." if not card.decline else "The bank returned a decline.",
        "type": "authorized" if not card.decline else "blocked" if blocked else "issuer_declined",
    }


def _details(intent: Object, method: Object, *, authenticated: bool) -> Object:
    shown = (
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "wallet",
    )
    secured = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": intent["id"],
        "version": "2.2.0",
    }
    card = {name: method["card"][name] for name in shown}
    return {
        "card": {
            **card,
            "amount_authorized": intent["amount"],
            "network": card["brand"],
            "three_d_secure": secured if authenticated else None,
        },
        "type": "card",
    }


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("charge", id_)


def update(unit: Unit, params: Params, id_: str) -> Object:
    charge = unit.get("charge", id_)
    before = dict(charge)
    fields.change(charge, params, ("description", "receipt_email", "transfer_group"))
    unit.save(charge)
    unit.emit("charge.updated", charge, before)
    return charge


def list_all(unit: Unit, params: Params) -> Object:
    return page(unit, "charge", params, "/v1/charges", ("customer", "payment_intent", "transfer_group"))


ROUTES = [
    Route("GET", "/v1/charges", list_all, "ChargeListParams"),
    Route("GET", "/v1/charges/{id}", retrieve, "ChargeRetrieveParams"),
    Route("POST", "/v1/charges/{id}", update, "ChargeUpdateParams"),
]
