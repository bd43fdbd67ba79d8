"""The control plane's decisions on disputes, refunds and reviews."""

from localstack.stripe.errors import Object, invalid
from localstack.stripe.resources import disputes, lifecycle, refund_outcomes, refunds, reviews
from localstack.stripe.unit import Unit

_DISPUTE_STATUSES = (
    "warning_needs_response",
    "needs_response",
    "under_review",
    "won",
    "lost",
    "warning_closed",
)
_REVIEW_OUTCOMES = ("approved", "refunded", "refunded_as_fraud", "canceled")


def dispute(unit: Unit, body: Object) -> Object:
    """Open a dispute on a payment, or change its latest open dispute to `status`.

    Keys: `payment_intent`, and for a new dispute `reason` (default general), `amount` (default the amount not
    refunded) and `status` (default needs_response). A new dispute may be decided at once.
    """
    _require_keys(body, "payment_intent", "reason", "amount", "status")
    status = str(body.get("status", "needs_response"))
    if status not in _DISPUTE_STATUSES:
        raise invalid(f"A dispute's status must be one of {', '.join(_DISPUTE_STATUSES)}.")
    intent, charge = _paid_intent(unit, body)
    found = disputes.newest_for(unit, intent)
    if found is None or found["status"] in ("won", "lost", "warning_closed"):
        if charge["amount_captured"] == charge["amount_refunded"]:
            raise invalid(f"The PaymentIntent {intent['id']} was refunded in full, so it cannot be disputed.")
        reason = str(body.get("reason", "general"))
        inquiry = status.startswith("warning")
        found = disputes.open_for(unit, charge, reason, inquiry=inquiry, amount=_amount(body, charge))
    return _set_status(unit, found, status)


def _set_status(unit: Unit, found: Object, status: str) -> Object:
    if found["status"] == status:
        return found
    if status.startswith("warning") != found["status"].startswith("warning"):
        if status != "needs_response":
            raise invalid(f"A dispute cannot change from {found['status']} to {status}.")
        return disputes.escalate(unit, found)
    if status in ("under_review", "won"):
        evidence = {"evidence": {"uncategorized_text": "Submitted by the control plane."}}
        if found["status"] == "needs_response":
            found = disputes.update(unit, evidence, found["id"])
    if status == "under_review":
        return found
    if status not in ("won", "lost", "warning_closed"):
        raise invalid(f"A dispute cannot change from {found['status']} to {status}.")
    return disputes.decide(unit, found, won=status == "won")


def review(unit: Unit, body: Object) -> Object:
    """Open a review of a payment, or close its open review with `outcome`; `refunded` also refunds."""
    _require_keys(body, "payment_intent", "outcome")
    intent, charge = _paid_intent(unit, body)
    found = unit.store.get("review", intent["review"] or "")
    if "outcome" not in body:
        if found and found["open"]:
            return found
        return reviews.open_for(unit, intent, charge, "manual")
    outcome = body["outcome"]
    if outcome not in _REVIEW_OUTCOMES:
        raise invalid(f"A review's outcome must be one of {', '.join(_REVIEW_OUTCOMES)}.")
    if not found or not found["open"]:
        raise invalid(f"The PaymentIntent {intent['id']} is not in review.")
    if outcome == "approved":
        return reviews.approve(unit, {}, found["id"])
    if outcome == "canceled":
        lifecycle.cancel(unit, intent, "fraudulent")
    else:
        reason = "fraudulent" if outcome == "refunded_as_fraud" else "requested_by_customer"
        refunds.create(unit, {"payment_intent": intent["id"], "reason": reason})
    return unit.get("review", found["id"])


def refund(unit: Unit, body: Object) -> Object:
    """Change a refund to `status` (succeeded, failed, canceled) with `failure_reason` (default unknown)."""
    _require_keys(body, "refund", "status", "failure_reason")
    found = unit.get("refund", str(body.get("refund", "")))
    status, reason = body.get("status", "failed"), body.get("failure_reason", "unknown")
    if reason not in refund_outcomes.REASONS:
        raise invalid(f"A refund's failure_reason must be one of {', '.join(refund_outcomes.REASONS)}.")
    if found["status"] in ("failed", "canceled"):
        raise invalid(f"The refund {found['id']} is already {found['status']}.")
    if status == "succeeded":
        if found["status"] == "pending":
            refund_outcomes.succeed(unit, found)
    elif status in ("failed", "canceled"):
        reason = "merchant_request" if status == "canceled" else reason
        refund_outcomes.reverse(unit, found, status, reason)
    else:
        raise invalid("A refund's status must be succeeded, failed or canceled.")
    return found


def _paid_intent(unit: Unit, body: Object) -> tuple[Object, Object]:
    intent = unit.get("payment_intent", str(body.get("payment_intent", "")))
    if intent["status"] not in ("succeeded", "requires_capture"):
        raise invalid(
            f"PaymentIntent {intent['id']} must be succeeded or requires_capture, not {intent['status']}."
        )
    return intent, unit.get("charge", intent["latest_charge"])


def _amount(body: Object, charge: Object) -> int | None:
    amount = body.get("amount")
    if amount is not None and (type(amount) is not int or not 1 <= amount <= charge["amount_captured"]):
        raise invalid("A dispute's amount must be from 1 to the captured amount, in minor units.")
    return amount


def _require_keys(body: Object, *known: str) -> None:
    if unknown := set(body) - set(known):
        raise invalid(f"Unknown key {min(unknown)}. Allowed: {', '.join(known)}.")
