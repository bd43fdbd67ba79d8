"""Refunds, up to the captured amount."""

from localstack.stripe import ids, money
from localstack.stripe.errors import Object, invalid
from localstack.stripe.paging import page
from localstack.stripe.resources import disputes, fields, reviews
from localstack.stripe.resources.charges import add_refund
from localstack.stripe.resources.payment_methods import card_of
from localstack.stripe.resources.refund_outcomes import debit_balance
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit

REFUND_DELAY = 2.0  # seconds until a refund of the delayed test cards finishes


def create(unit: Unit, params: Params) -> Object:
    charge = _charge(unit, params)
    refundable = charge["amount_captured"] - charge["amount_refunded"]
    if refundable == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if charge["disputed"] and not disputes.allow_refund(unit, charge):
        raise invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    amount = params.get("amount", refundable)
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > refundable:
        untouched = refundable == charge["amount_captured"]
        raise invalid(
            f"Refund amount ({money.format_amount(amount, charge['currency'])}) is greater than"
            f" {'' if untouched else 'unrefunded amount on '}charge {'amount ' if untouched else ''}"
            f"({money.format_amount(refundable, charge['currency'])})",
            param="amount",
        )
    refund = _build(unit, charge, amount, params)
    before = dict(charge)
    add_refund(charge, amount)
    unit.save(charge)
    if refund["status"] == "succeeded":
        debit_balance(unit, refund)
    unit.save(refund)
    unit.emit("refund.created", refund)
    unit.emit("charge.refunded", charge, before)
    if charge["refunded"]:
        fraud = refund["reason"] == "fraudulent"
        reviews.close_for(unit, charge, "refunded_as_fraud" if fraud else "refunded")
        disputes.resolve_inquiries(unit, charge)
    return refund


def _charge(unit: Unit, params: Params) -> Object:
    """Return the captured charge of the parameters."""
    if "charge" in params:
        charge = unit.get("charge", params["charge"], "charge")
    elif "payment_intent" in params:
        intent = unit.get("payment_intent", params["payment_intent"], "payment_intent")
        if intent["amount_received"] == 0:
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
                param="payment_intent",
            )
        charge = unit.get("charge", intent["latest_charge"])
    else:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
            param="payment_intent",
        )
    if not charge["amount_captured"] or not charge["paid"]:
        raise invalid(
            f"Charge {charge['id']} was not captured; cancel its PaymentIntent instead.", param="charge"
        )
    return charge


def _build(unit: Unit, charge: Object, amount: int, params: Params) -> Object:
    refund_id = ids.new("re")
    outcome = card_of(charge).refund
    if outcome != "succeeded":
        unit.schedule(REFUND_DELAY, "finish_refund", refund_id)
    return {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": unit.timestamp,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "destination_details": {
            "card": {
                "reference": ids.token(16),
                "reference_status": "available",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "failure_balance_transaction": None,
        "failure_reason": None,
        "metadata": fields.metadata({}, params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": "processing" if outcome == "pending" else None,
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if outcome == "pending" else "succeeded",
        "transfer_reversal": None,
        "_fails": outcome == "failed",
    }


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("refund", id_)


def update(unit: Unit, params: Params, id_: str) -> Object:
    refund = unit.get("refund", id_)
    before = dict(refund)
    fields.change(refund, params, ())
    unit.save(refund)
    unit.emit("refund.updated", refund, before)
    unit.emit("charge.refund.updated", refund, before)
    return refund


def list_all(unit: Unit, params: Params) -> Object:
    return page(unit, "refund", params, "/v1/refunds", ("charge", "payment_intent"))


ROUTES = [
    Route("POST", "/v1/refunds", create, "RefundCreateParams"),
    Route("GET", "/v1/refunds", list_all, "RefundListParams"),
    Route("GET", "/v1/refunds/{id}", retrieve, "RefundRetrieveParams"),
    Route("POST", "/v1/refunds/{id}", update, "RefundUpdateParams"),
]
