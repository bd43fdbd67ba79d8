"""Disputes at Stripe, as they are now."""

import stripe

from payments.domain.disputes import Dispute
from payments.stripe_gateway import calling, moment


def disputes_of(intent_id: str) -> tuple[Dispute, ...]:
    """The intent's disputes, oldest first, the decided ones included."""
    with calling() as client:
        found = client.v1.disputes.list({"payment_intent": intent_id, "limit": 100})
        return tuple(_read(each) for each in reversed(found.data))


def _read(found: stripe.Dispute) -> Dispute:
    return Dispute(
        dispute_id=found.id,
        status=found.status,
        amount=found.amount,
        reason=found.reason,
        withheld=_withheld(found),
        evidence_due=moment(found.evidence_details.due_by),
    )


def _withheld(found: stripe.Dispute) -> int:
    """What left our balance for it and did not come back: its balance transactions say (withdrawn is below
    zero, reinstated above), in the currency that Stripe settles in; in another, all of it or nothing."""
    gone = -sum(each.amount for each in found.balance_transactions)
    if all(each.currency == found.currency for each in found.balance_transactions):
        return max(0, gone)
    return found.amount if gone > 0 else 0
