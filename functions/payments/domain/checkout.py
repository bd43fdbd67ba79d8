"""Opening a payment: the requested method, its result, and the line items of Stripe's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from payments.domain.payments import Payment
from payments.domain.stripe_objects import Method
from shared.contracts.events.orders import OrderLineData
from shared.values.money import Money

MAX_ITEMS = 100  # line items; Stripe's limit: https://docs.stripe.com/api/checkout/sessions/create
MAX_NAME_LENGTH = 250  # characters; Stripe's limit for the name of a line item
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


@dataclass(frozen=True)
class LineItem:
    """A line item of Stripe's page; `unit_amount` in minor units."""

    name: str
    quantity: int
    unit_amount: int


def line_items(lines: Sequence[OrderLineData], total: Money, number: str) -> list[LineItem]:
    """Return the order's lines if they add up to its total, else one line item for the total (shipping, tax
    and discounts have no line item on Stripe's page)."""
    add_up = (
        0 < len(lines) <= MAX_ITEMS
        and sum(line.line_total.amount for line in lines) == total.amount
        and all(line.unit_price * line.quantity == line.line_total for line in lines)
    )
    if not add_up:
        return [LineItem(f"Order {number}", 1, total.amount)]
    return [LineItem(line.title[:MAX_NAME_LENGTH], line.quantity, line.unit_price.amount) for line in lines]


def open_until(deadline: datetime | None, now: datetime) -> datetime:
    """Return until when Stripe's page accepts the payment; `deadline` is the order's. The result is the same
    for every retry, because Stripe compares the parameters of an idempotency key."""
    latest = now + MAX_OPEN
    return min(deadline + AFTER_DEADLINE, latest) if deadline else latest
