"""Disputes: chargebacks and inquiries.

Source: https://docs.stripe.com/disputes/how-disputes-work
"""

from localstack.stripe import ids
from localstack.stripe.errors import Object, invalid
from localstack.stripe.paging import page
from localstack.stripe.resources import balance_transactions, fields, refund_outcomes, reviews
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit

_DAY = 24 * 3600
_EVIDENCE_PERIOD = 9 * _DAY  # seconds for the shop to submit evidence
_DECISION_PERIOD = _DAY  # seconds until a chargeback without evidence is lost
_INQUIRY_PERIOD = 120 * _DAY
_OPEN = ("needs_response", "warning_needs_response")
_UNDER_REVIEW = ("under_review", "warning_under_review")
_NETWORK_CODES = {"fraudulent": "10.4", "product_not_received": "13.1"}
_EVIDENCE = """
    access_activity_log billing_address cancellation_policy cancellation_policy_disclosure
    cancellation_rebuttal customer_communication customer_email_address customer_name customer_purchase_ip
    customer_signature duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id
    product_description receipt refund_policy refund_policy_disclosure refund_refusal_explanation service_date
    service_documentation shipping_address shipping_carrier shipping_date shipping_documentation
    shipping_tracking_number uncategorized_file uncategorized_text
""".split()


def open_for(
    unit: Unit, charge: Object, reason: str, *, inquiry: bool = False, amount: int | None = None
) -> Object:
    """Open a chargeback, which withdraws `amount` (default the amount not refunded), or an inquiry."""
    code = _NETWORK_CODES.get(reason, "13.7")
    dispute: Object = {
        "id": ids.new("du"),
        "object": "dispute",
        "amount": charge["amount_captured"] - charge["amount_refunded"] if amount is None else amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": unit.timestamp,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": unit.timestamp + _EVIDENCE_PERIOD,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": code,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": charge["payment_method_details"].get("card", {}).get("brand"),
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": code,
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    charge["disputed"] = True
    unit.save(charge)
    if not inquiry:
        _book(unit, dispute, "dispute", -dispute["amount"])
    unit.save(dispute)
    unit.schedule(_EVIDENCE_PERIOD, "end_evidence", dispute["id"])
    if inquiry:
        unit.schedule(_INQUIRY_PERIOD, "close_dispute", dispute["id"])
    unit.emit("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw_funds(unit, dispute, charge)
    return dispute


def escalate(unit: Unit, dispute: Object) -> Object:
    """Turn an inquiry into a chargeback: withdraw the funds and restart the evidence period."""
    before = _copy(dispute)
    dispute |= {"status": "needs_response", "is_charge_refundable": False}
    dispute["evidence_details"] |= {"due_by": unit.timestamp + _EVIDENCE_PERIOD, "past_due": False}
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    _book(unit, dispute, "dispute", -dispute["amount"])
    unit.save(dispute)
    unit.schedule(_EVIDENCE_PERIOD, "end_evidence", dispute["id"])
    unit.emit("charge.dispute.updated", dispute, before)
    _withdraw_funds(unit, dispute, unit.get("charge", dispute["charge"]))
    return dispute


def _withdraw_funds(unit: Unit, dispute: Object, charge: Object) -> None:
    """Emit the withdrawal, fail the charge's pending refunds and close its review."""
    unit.emit("charge.dispute.funds_withdrawn", dispute)
    for refund in unit.store.select("refund", [("json_extract(body, '$.charge') = ?", charge["id"])], 100):
        if refund["status"] == "pending":
            refund_outcomes.reverse(unit, refund, "failed", "charge_for_pending_refund_disputed")
    reviews.close_for(unit, charge, "disputed")


def _book(unit: Unit, dispute: Object, category: str, amount: int) -> None:
    moved = balance_transactions.record(unit, category, amount, dispute)
    dispute["balance_transactions"] = [*dispute["balance_transactions"], moved]


def update(unit: Unit, params: Params, id_: str) -> Object:
    """Update metadata and evidence. The texts `winning_evidence` and `losing_evidence` decide at once."""
    dispute = unit.get("dispute", id_)
    before = _copy(dispute)
    fields.change(dispute, params, ())
    evidence = params.get("evidence")
    if evidence:
        _require_answerable(dispute)
        given = {name: None if text == "" else text for name, text in evidence.items()}
        dispute["evidence"] = {**dispute["evidence"], **given}
        dispute["evidence_details"]["has_evidence"] = True
    submitted = bool(evidence) and params.get("submit", True)
    if submitted:
        dispute["evidence_details"]["submission_count"] += 1
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
    unit.save(dispute)
    unit.emit("charge.dispute.updated", dispute, before)
    decision = str(dispute["evidence"].get("uncategorized_text", "")) if submitted else ""
    if decision in ("winning_evidence", "losing_evidence"):
        decide(unit, dispute, won=decision == "winning_evidence")
    return dispute


def close(unit: Unit, params: Params, id_: str) -> Object:
    """Accept the dispute as lost."""
    dispute = unit.get("dispute", id_)
    _require_open(dispute, (*_OPEN, *_UNDER_REVIEW))
    return decide(unit, dispute, won=False)


def _require_open(dispute: Object, statuses: tuple[str, ...]) -> None:
    if dispute["status"] not in statuses:
        raise invalid(f"This dispute is already {dispute['status']}.", code="dispute_already_closed")


def _require_answerable(dispute: Object) -> None:
    _require_open(dispute, _OPEN)
    if dispute["evidence_details"]["past_due"]:
        raise invalid("The evidence period of this dispute is over.", param="evidence")


def decide(unit: Unit, dispute: Object, *, won: bool) -> Object:
    """Close an open dispute. A won chargeback reinstates the funds; an inquiry becomes warning_closed."""
    _require_open(dispute, (*_OPEN, *_UNDER_REVIEW))
    if dispute["status"].startswith("warning"):
        dispute["status"] = "warning_closed"
    else:
        dispute["status"] = "won" if won else "lost"
    if dispute["status"] == "won":
        _book(unit, dispute, "dispute_reversal", dispute["amount"])
    unit.save(dispute)
    unit.emit("charge.dispute.closed", dispute)
    if dispute["status"] == "won":
        unit.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def end_evidence(unit: Unit, id_: str) -> None:
    """End the evidence period; a chargeback without evidence is then lost after the decision period."""
    dispute = unit.store.get("dispute", id_)
    if dispute is None or dispute["status"] not in _OPEN:
        return
    if unit.now < dispute["evidence_details"]["due_by"]:
        return  # escalated to a chargeback, which has its own timers
    before = _copy(dispute)
    dispute["evidence_details"]["past_due"] = True
    unit.save(dispute)
    unit.emit("charge.dispute.updated", dispute, before)
    if dispute["status"] == "needs_response":
        delay = dispute["evidence_details"]["due_by"] + _DECISION_PERIOD - unit.now
        unit.schedule(max(0.0, delay), "close_dispute", id_)


def close_unanswered(unit: Unit, id_: str) -> None:
    """Close a dispute without evidence: a chargeback is lost, an inquiry is closed."""
    dispute = unit.store.get("dispute", id_)
    if dispute is None or dispute["status"] not in (*_OPEN, "warning_under_review"):
        return
    if dispute["status"] == "needs_response" and not dispute["evidence_details"]["past_due"]:
        return  # escalated to a chargeback, which has its own timers
    decide(unit, dispute, won=False)


def resolve_inquiries(unit: Unit, charge: Object) -> None:
    """Close the open inquiries of a charge that was refunded in full."""
    for dispute in _of_charge(unit, charge):
        if dispute["status"] in ("warning_needs_response", "warning_under_review"):
            decide(unit, dispute, won=False)


def allow_refund(unit: Unit, charge: Object) -> bool:
    """Return whether the charge's disputes permit a refund."""
    return all(
        dispute["is_charge_refundable"] or dispute["status"] == "won" for dispute in _of_charge(unit, charge)
    )


def newest_for(unit: Unit, intent: Object) -> Object | None:
    found = unit.store.select("dispute", [("json_extract(body, '$.payment_intent') = ?", intent["id"])], 1)
    return found[0] if found else None


def _of_charge(unit: Unit, charge: Object) -> list[Object]:
    return unit.store.select("dispute", [("json_extract(body, '$.charge') = ?", charge["id"])], 10)


def _copy(dispute: Object) -> Object:
    """Return a copy that includes the nested fields that change."""
    return {**dispute, "evidence_details": dict(dispute["evidence_details"])}


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
