"""Stripe's disputes of an intent."""

import stripe

from payments.domain.disputes import Dispute
from payments.stripe_gateway import PAGE_SIZE, calling
from payments.stripe_gateway.objects import from_epoch


def disputes_of(intent_id: str) -> tuple[Dispute, ...]:
    """Return the intent's disputes, oldest first, including decided ones."""
    with calling() as client:
        found = client.v1.disputes.list({"payment_intent": intent_id, "limit": PAGE_SIZE})
        return tuple(_read(each) for each in reversed(found.data))


def _read(found: stripe.Dispute) -> Dispute:
    return Dispute(
        dispute_id=found.id,
        status=found.status,
        amount=found.amount,
        reason=found.reason,
        withheld=_withheld(found),
        evidence_due=from_epoch(found.evidence_details.due_by),
    )


def _withheld(found: stripe.Dispute) -> int:
    """Return the withheld amount, from the dispute's balance transactions (withdrawals are negative). If they
    are in another currency than the dispute, it is all or nothing."""
    withdrawn = -sum(each.amount for each in found.balance_transactions)
    if all(each.currency == found.currency for each in found.balance_transactions):
        return max(0, withdrawn)
    return found.amount if withdrawn > 0 else 0
