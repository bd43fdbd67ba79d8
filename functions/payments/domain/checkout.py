"""What a payment is opened for: an order's money, and how Stripe's page lists it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from payments.domain.payments import Method, Payment
from shared.contracts.events import OrderLineData
from shared.values.money import Money

MOST_ITEMS = 100  # that Stripe's page takes
MOST_NAME = 250
# Stripe wants a page to be open for 30 minutes at least, and 24 hours at most. Open for so long after the
# order's own end, it may be asked for until then; the order's end closes it.
AFTER_THE_ORDER = timedelta(minutes=31)
LONGEST = timedelta(hours=23)


@dataclass(frozen=True)
class Wish:
    """How the shopper wants to pay; the addresses belong to Stripe's page alone."""

    method: Method
    success_url: str | None = None
    cancel_url: str | None = None


@dataclass(frozen=True)
class Opened:
    """A payment with what the browser needs to pay it: a secret for Stripe.js, or a page's address."""

    payment: Payment
    client_secret: str | None = None
    checkout_url: str | None = None


@dataclass(frozen=True)
class Item:
    """A line of Stripe's page; `unit_amount` in minor units."""

    name: str
    quantity: int
    unit_amount: int


def items(lines: Sequence[OrderLineData], total: Money, number: str) -> list[Item]:
    """The order's lines where they alone make up its total, else one for the whole of it (delivery, tax and
    discounts have no line on Stripe's page)."""
    fitting = (
        0 < len(lines) <= MOST_ITEMS
        and sum(line.line_total.amount for line in lines) == total.amount
        and all(line.unit_price * line.quantity == line.line_total for line in lines)
    )
    if not fitting:
        return [Item(f"Order {number}", 1, total.amount)]
    return [Item(line.title[:MOST_NAME], line.quantity, line.unit_price.amount) for line in lines]


def open_until(order_ends: datetime | None, now: datetime) -> datetime:
    """Until when Stripe's page may be paid on: the same for every try to open it."""
    latest = now + LONGEST
    return min(order_ends + AFTER_THE_ORDER, latest) if order_ends else latest
