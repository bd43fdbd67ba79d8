"""Refunds at Stripe: made once, and found again."""

from typing import Any

from payments.domain.refunds import Refund, StripeRefund
from payments.stripe_gateway import calling, read_refund


def give_back(intent_id: str, refund: Refund) -> StripeRefund:
    """Give `refund.amount` back, once: the idempotency key is the refund's id.

    Raises StripeRefused or StripeUnavailable.
    """
    params: dict[str, Any] = {
        "payment_intent": intent_id,
        "amount": refund.amount,
        "metadata": {"refund_id": refund.refund_id, "payment_id": refund.payment_id},
    }
    with calling() as client:
        options: Any = {"idempotency_key": refund.refund_id}
        return read_refund(client.v1.refunds.create(params, options))  # type: ignore[arg-type]


def refunds_of(intent_id: str) -> list[StripeRefund]:
    """All refunds of the intent as they are now, those that failed and those made by hand included."""
    with calling() as client:
        made = client.v1.refunds.list({"payment_intent": intent_id, "limit": 100})
        return [read_refund(each) for each in made.auto_paging_iter()]
