"""Checkout Sessions: Stripe's page for a payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import stripe

from payments.domain.captures import CaptureMethod
from payments.domain.line_items import LineItem
from payments.domain.payments import Payment
from payments.domain.stripe_objects import Pages
from payments.stripe_gateway import MULTICAPTURE, StripeRefused, calling, key_of, metadata_of
from payments.stripe_gateway.objects import is_repeated


@dataclass(frozen=True)
class Session:
    """Stripe's Checkout Session; `intent_id` is None until the shopper has tried to pay. `is_repeated` means
    that Stripe repeated an earlier response, so that it may be outdated."""

    session_id: str
    status: str
    url: str | None
    intent_id: str | None
    payment_id: str | None
    is_repeated: bool = False

    @property
    def is_open(self) -> bool:
        return self.status == "open"


def open_session(payment: Payment, pages: Pages, items: Sequence[LineItem]) -> Session:
    """Create the payment's session, or return it if a previous call created it.

    Raises StripeRefused or StripeUnavailable.
    """
    intent_data: dict[str, Any] = {"metadata": metadata_of(payment)}
    params: dict[str, Any] = {
        "mode": "payment",
        "line_items": [_line(item, payment.amount.currency) for item in items],
        "success_url": pages.success_url,
        "cancel_url": pages.cancel_url,
        "expires_at": int(pages.open_until.timestamp()),
        "client_reference_id": payment.order.order_id,
        "metadata": metadata_of(payment),
        "payment_intent_data": intent_data,
    }
    if payment.order.email:
        params["customer_email"] = payment.order.email
    if payment.capture_method is CaptureMethod.MANUAL:
        intent_data["capture_method"] = "manual"
        params["payment_method_options"] = MULTICAPTURE
    with calling() as client:
        return _read(client.v1.checkout.sessions.create(params, key_of(payment)))  # type: ignore[arg-type]


def session(session_id: str) -> Session:
    """Return the session. Raises StripeRefused if it does not exist, or StripeUnavailable."""
    with calling() as client:
        return _read(client.v1.checkout.sessions.retrieve(session_id))


def expire(session_id: str) -> Session:
    """Expire the session if that is still possible, and return it."""
    try:
        with calling() as client:
            return _read(client.v1.checkout.sessions.expire(session_id))
    except StripeRefused:
        return session(session_id)


def _line(item: LineItem, currency: str) -> dict[str, Any]:
    return {
        "quantity": item.quantity,
        "price_data": {
            "currency": currency.lower(),
            "unit_amount": item.unit_amount,
            "product_data": {"name": item.name},
        },
    }


def _read(found: stripe.checkout.Session) -> Session:
    intent = found.payment_intent
    return Session(
        session_id=found.id,
        status=found.status or "open",
        url=found.url,
        intent_id=intent.id if isinstance(intent, stripe.PaymentIntent) else intent,
        payment_id=(found.metadata.to_dict() if found.metadata else {}).get("payment_id"),
        is_repeated=is_repeated(found),
    )
