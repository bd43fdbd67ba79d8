"""Opening a payment: the requested method, its result, and how long Stripe's page is open."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from payments.domain.payments import Payment
from payments.domain.stripe_objects import Method

# Stripe requires a session to be open for 30 minutes to 24 hours. Its end is derived from the order's
# deadline, so that a session can be created until that deadline; the sweeper expires it with the order.
AFTER_DEADLINE = timedelta(minutes=31)
MAX_OPEN = timedelta(hours=23)  # for orders without a deadline; Stripe allows 24 hours from its own clock


@dataclass(frozen=True)
class PaymentChoice:
    """How the shopper wants to pay; only a Checkout Session has URLs."""

    method: Method
    success_url: str | None = None
    cancel_url: str | None = None


@dataclass(frozen=True)
class Opened:
    """A payment with what the browser needs to pay it: a secret for Stripe.js, or the URL of Stripe's
    page."""

    payment: Payment
    client_secret: str | None = None
    checkout_url: str | None = None


def open_until(deadline: datetime | None, now: datetime) -> datetime:
    """Return until when Stripe's page accepts the payment; `deadline` is the order's. The result is the same
    for every retry, because Stripe compares the parameters of an idempotency key."""
    latest = now + MAX_OPEN
    return min(deadline + AFTER_DEADLINE, latest) if deadline else latest
