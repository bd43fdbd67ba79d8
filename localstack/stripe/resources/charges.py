"""Charges: an intent's attempts to collect money."""

from localstack.stripe import ids
from localstack.stripe.cards import Card
from localstack.stripe.errors import Object
from localstack.stripe.paging import page
from localstack.stripe.resources import balance_transactions, fields
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit

AUTHORIZATION_PERIOD = 7 * 24 * 3600  # seconds until an authorization expires


def attempt(unit: Unit, intent: Object, method: Object, card: Card, *, authenticated: bool) -> Object:
    """Create the charge of an attempt: `succeeded` (captured or not), `failed` or `pending`."""
    status = "pending" if card.delayed else "failed" if card.decline else "succeeded"
    paid, failed = status == "succeeded", status == "failed"
    held = capture_method(intent) == "manual"
    captured = not failed and not held
    capture_before = unit.timestamp + AUTHORIZATION_PERIOD
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
        "created": unit.timestamp,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": card.decline_code if failed else None,
        "failure_message": card.decline_message if failed else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": intent["on_behalf_of"],
        "outcome": _outcome(card),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(
            intent, method, card, capture_before if held else None, authenticated=authenticated
        ),
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
        "status": status,
        "transfer_data": intent["transfer_data"],
        "transfer_group": intent["transfer_group"],
        "_card": card.token,
        "_capture_before": capture_before,
        "_captures": 0,
    }
    if captured and paid:
        _credit_balance(unit, charge, intent["amount"])
    unit.save(charge)
    unit.emit(f"charge.{status}", charge)
    return charge


def record_debit_outcome(unit: Unit, charge: Object, card: Card) -> Object:
    """Record the outcome of a pending debit: `succeeded` or `failed`."""
    if card.decline:
        charge |= {
            "status": "failed",
            "captured": False,
            "amount_captured": 0,
            "failure_code": card.decline_code,
            "failure_message": card.decline_message,
            "outcome": _outcome(card),
        }
    else:
        charge |= {"status": "succeeded", "paid": True}
        _credit_balance(unit, charge, charge["amount"])
    unit.save(charge)
    unit.emit(f"charge.{charge['status']}", charge)
    return charge


def allows_multicapture(charge: Object) -> bool:
    details = charge["payment_method_details"].get("card", {})
    return bool(details.get("multicapture", {}).get("status") == "available")


def capture(unit: Unit, charge: Object, amount: int, *, final: bool, multicapture: bool) -> Object:
    """Capture `amount` of the authorization. The final capture releases the remainder without a refund.

    With multicapture every capture emits `charge.updated`, and only the final one `charge.captured`.
    """
    before = dict(charge)
    charge["amount_captured"] += amount
    charge["_captures"] += 1
    charge["captured"] = final
    add_refund(charge, 0)
    if amount:
        _credit_balance(unit, charge, amount)
    unit.save(charge)
    if multicapture:
        unit.emit("charge.updated", charge, before)
    if final:
        unit.emit("charge.captured", charge, before)
    return charge


def _credit_balance(unit: Unit, charge: Object, amount: int) -> None:
    """Credit the balance. The charge refers to its first balance transaction; the caller saves it."""
    paid = balance_transactions.record(unit, "charge", amount, charge)
    charge["balance_transaction"] = charge["balance_transaction"] or paid["id"]


def add_refund(charge: Object, amount: int) -> None:
    """Add a refunded amount, negative for a failed refund. The caller saves the charge."""
    charge["amount_refunded"] += amount
    # While more can be captured, a charge does not count as refunded in full.
    in_full = charge["captured"] and charge["amount_refunded"] == charge["amount_captured"]
    charge["refunded"] = bool(in_full)


def _outcome(card: Card) -> Object:
    blocked = card.decline == "fraudulent"
    risk = "highest" if blocked else "elevated" if card.review else "normal"
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
        "risk_level": risk,
        "seller_message": "Payment complete." if not card.decline else "The bank returned a decline.",
        "type": "manual_review"
        if card.review
        else "authorized"
        if not card.decline
        else "blocked"
        if blocked
        else "issuer_declined",
    }


def capture_method(intent: Object) -> str:
    """Return the capture method for cards, which overrides that of the intent."""
    own: str | None = intent["payment_method_options"]["card"].get("capture_method")
    return own or str(intent["capture_method"])


def _multicapture(intent: Object, card: Card) -> str:
    requested = intent["payment_method_options"]["card"].get("request_multicapture") == "if_available"
    return "available" if requested and card.multicapture else "unavailable"


def _details(
    intent: Object, method: Object, card: Card, capture_before: int | None, *, authenticated: bool
) -> Object:
    copied = (
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
    three_d_secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": intent["id"],
        "version": "2.2.0",
    }
    if card.kind == "bacs_debit":
        account = {**method["bacs_debit"], "expected_debit_date": None, "mandate": None}
        return {"bacs_debit": account, "type": "bacs_debit"}
    hold = {} if capture_before is None else {"capture_before": capture_before}
    return {
        "card": {
            **{name: method["card"][name] for name in copied},
            "amount_authorized": intent["amount"],
            **hold,
            "multicapture": {"status": _multicapture(intent, card)},
            "network": card.brand,
            "three_d_secure": three_d_secure if authenticated else None,
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
