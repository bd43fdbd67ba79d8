"""The line items of Stripe's page."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.events.orders import OrderLineData
from shared.values.money import Money

MAX_ITEMS = 100  # line items; Stripe's limit: https://docs.stripe.com/api/checkout/sessions/create
MAX_NAME_LENGTH = 250  # characters; Stripe's limit for the name of a line item


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
