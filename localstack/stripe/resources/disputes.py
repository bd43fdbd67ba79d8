"""Disputes: a shopper's bank takes money back, and the shop may argue."""

from localstack.stripe import ids
from localstack.stripe.cards import Card
from localstack.stripe.errors import Object, invalid
from localstack.stripe.paging import page
from localstack.stripe.resources import fields
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit

_DAYS = 24 * 3600
_OPEN = {"needs_response", "warning_needs_response"}
_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "general": "10.4"}


def open_on(unit: Unit, charge: Object, card: Card) -> Object:
    """What a disputing test card brings about as soon as it is charged."""
    inquiry = card.dispute == "inquiry"
    reason = "general" if card.dispute in (None, "inquiry") else card.dispute
    dispute: Object = {
        "id": ids.new("du"),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": unit.today,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": unit.today + 9 * _DAYS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": _CODES[reason],
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card.brand,
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": _CODES[reason],
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    charge["disputed"] = True
    unit.save(charge)
    unit.save(dispute)
    unit.emit("charge.dispute.created", dispute)
    if not inquiry:
        unit.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def update(unit: Unit, params: Params, id_: str) -> Object:
    """The texts `winning_evidence` and `losing_evidence` decide at once; other evidence is under review."""
    dispute = unit.get("dispute", id_)
    before = {**dispute, "evidence_details": dict(dispute["evidence_details"])}
    fields.change(dispute, params, ())
    evidence = params.get("evidence")
    if evidence:
        _require_open(dispute)
        dispute["evidence"] = {**dispute["evidence"], **evidence}
        dispute["evidence_details"]["has_evidence"] = True
    submitted = bool(evidence) and params.get("submit", True)
    if submitted:
        dispute["evidence_details"]["submission_count"] += 1
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
    unit.save(dispute)
    unit.emit("charge.dispute.updated", dispute, before)
    verdict = str(dispute["evidence"].get("uncategorized_text", "")) if submitted else ""
    if verdict in ("winning_evidence", "losing_evidence"):
        _decide(unit, dispute, won=verdict == "winning_evidence")
    return dispute


def close(unit: Unit, params: Params, id_: str) -> Object:
    """The shop gives in."""
    dispute = unit.get("dispute", id_)
    _require_open(dispute)
    _decide(unit, dispute, won=False)
    return dispute


def _require_open(dispute: Object) -> None:
    if dispute["status"] not in _OPEN:
        raise invalid(f"This dispute is already {dispute['status']}.", code="dispute_already_closed")


def _decide(unit: Unit, dispute: Object, *, won: bool) -> None:
    if dispute["status"].startswith("warning"):
        dispute["status"] = "warning_closed"
    else:
        dispute["status"] = "won" if won else "lost"
    unit.save(dispute)
    unit.emit("charge.dispute.closed", dispute)
    if dispute["status"] == "won":
        unit.emit("charge.dispute.funds_reinstated", dispute)


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("dispute", id_)


def list_all(unit: Unit, params: Params) -> Object:
    return page(unit, "dispute", params, "/v1/disputes", ("charge", "payment_intent"))


ROUTES = [
    Route("GET", "/v1/disputes", list_all, "DisputeListParams"),
    Route("GET", "/v1/disputes/{id}", retrieve, "DisputeRetrieveParams"),
    Route("POST", "/v1/disputes/{id}", update, "DisputeUpdateParams"),
    Route("POST", "/v1/disputes/{id}/close", close, "DisputeCloseParams"),
]
