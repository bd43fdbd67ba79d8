"""Stripe's refunds of an intent."""

from typing import Any

from payments.domain.refunds import Refund, StripeRefund
from payments.stripe_gateway import PAGE_SIZE, calling
from payments.stripe_gateway.objects import read_refund


def create_refund(intent_id: str, refund: Refund) -> StripeRefund:
    """Create the refund at Stripe once: the idempotency key is the refund's id.

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
    """Return all refunds of the intent, including failed ones and those created in Stripe."""
    with calling() as client:
        found = client.v1.refunds.list({"payment_intent": intent_id, "limit": PAGE_SIZE})
        return [read_refund(each) for each in found.auto_paging_iter()]
