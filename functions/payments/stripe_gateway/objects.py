"""Stripe's objects as values of the domain."""

from datetime import UTC, datetime
from typing import Any

import stripe

from payments.domain.refunds import STATUS_OF_REFUND, StripeRefund
from payments.domain.stripe_objects import Decline, Intent

UNKNOWN = "unknown"  # if Stripe gives no code
REPEATED = "Idempotent-Replayed"  # the header of a repeated response: https://docs.stripe.com/error-low-level


def read_intent(found: stripe.PaymentIntent) -> Intent:
    """Convert Stripe's PaymentIntent, with `latest_charge` and its refunds expanded."""
    charge = found.latest_charge.to_dict() if isinstance(found.latest_charge, stripe.Charge) else {}
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    metadata = found.metadata.to_dict()
    return Intent(
        intent_id=found.id,
        status=found.status,
        amount_received=found.amount_received or 0,
        amount_refunded=charge.get("amount_refunded", 0),
        decline=_decline(found),
        order_id=metadata.get("order_id"),
        payment_id=metadata.get("payment_id"),
        client_secret=found.client_secret,
        amount_capturable=found.amount_capturable or 0,
        hold_until=from_epoch(card.get("capture_before")),
        multicapture=(card.get("multicapture") or {}).get("status") == "available",
        disputed=bool(charge.get("disputed")),
        review=_review(found.review),
        refunds=_all_refunds(found.latest_charge),
        is_repeated=is_repeated(found),
    )


def is_repeated(found: stripe.StripeObject) -> bool:
    """Return whether Stripe repeated its earlier response to the idempotency key."""
    response = found.last_response
    return response is not None and response.headers.get(REPEATED) == "true"


def from_epoch(seconds: int | None) -> datetime | None:
    """Convert Stripe's time (seconds since the epoch)."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _review(found: Any) -> str | None:
    """Return `open`, or Stripe's reason why the review was closed."""
    if not isinstance(found, stripe.Review):
        return None
    return "open" if found.open else str(found.closed_reason or found.reason)


def _all_refunds(charge: Any) -> tuple[StripeRefund, ...] | None:
    """Return the charge's refunds; None if they are not expanded, or are more than Stripe includes (10)."""
    listed = getattr(charge, "refunds", None)  # absent unless it is expanded
    if listed is None or listed.has_more:
        return None
    return tuple(read_refund(each) for each in listed.data)


def _decline(found: stripe.PaymentIntent) -> Decline | None:
    """Return the last declined attempt. One without a charge (3-D Secure) is identified by its payment
    method."""
    if not found.last_payment_error:
        return None
    error = found.last_payment_error.to_dict()
    method = (error.get("payment_method") or {}).get("id", "")
    return Decline(
        decline_id=error.get("charge") or f"{error.get('code')}:{method}",
        code=error.get("decline_code") or error.get("code") or UNKNOWN,
    )


def read_refund(found: stripe.Refund) -> StripeRefund:
    """Convert Stripe's Refund."""
    metadata = found.metadata.to_dict() if found.metadata else {}
    return StripeRefund(
        provider_id=found.id,
        refund_id=metadata.get("refund_id"),
        status=STATUS_OF_REFUND[found.status or "pending"],
        amount=found.amount,
    )
