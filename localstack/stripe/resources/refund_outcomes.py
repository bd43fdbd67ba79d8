"""The outcomes of a refund after its creation.

Source: https://docs.stripe.com/refunds#failed-refunds
"""

from localstack.stripe.errors import Object
from localstack.stripe.resources import balance_transactions
from localstack.stripe.resources.charges import add_refund
from localstack.stripe.unit import Unit

REASONS = (
    "charge_for_pending_refund_disputed",
    "declined",
    "expired_or_canceled_card",
    "insufficient_funds",
    "lost_or_stolen_card",
    "merchant_request",
    "unknown",
)


def finish(unit: Unit, id_: str) -> None:
    """Finish a delayed refund: it succeeds, or fails if its test card says so."""
    refund = unit.store.get("refund", id_)
    if refund is None or refund["status"] in ("failed", "canceled"):
        return
    if refund["_fails"]:
        reverse(unit, refund, "failed", "expired_or_canceled_card")
    elif refund["status"] == "pending":
        succeed(unit, refund)


def succeed(unit: Unit, refund: Object) -> None:
    before = dict(refund)
    refund |= {"status": "succeeded", "pending_reason": None}
    debit_balance(unit, refund)
    _changed(unit, refund, before)


def reverse(unit: Unit, refund: Object, status: str, reason: str) -> None:
    """Set the refund to `failed` or `canceled` and return its amount to the shop's balance."""
    before = dict(refund)
    refund |= {"status": status, "failure_reason": reason, "pending_reason": None}
    if refund["balance_transaction"]:
        returned = balance_transactions.record(unit, "refund_failure", refund["amount"], refund)
        refund["failure_balance_transaction"] = returned["id"]
    charge = unit.get("charge", refund["charge"])
    add_refund(charge, -refund["amount"])
    unit.save(charge)
    _changed(unit, refund, before)
    if status == "failed":
        unit.emit("refund.failed", refund)


def debit_balance(unit: Unit, refund: Object) -> None:
    """Debit the shop's balance by the refund's amount. The caller saves the refund."""
    paid = balance_transactions.record(unit, "refund", -refund["amount"], refund)
    refund["balance_transaction"] = paid["id"]


def _changed(unit: Unit, refund: Object, before: Object) -> None:
    unit.save(refund)
    unit.emit("refund.updated", refund, before)
    unit.emit("charge.refund.updated", refund, before)
