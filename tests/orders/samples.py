"""Quotes, addresses and payment updates for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from orders.domain.paying import PaymentUpdate
from shared.contracts.quotes import Quote, QuotedLine, ShippingAddress
from shared.values import ids
from shared.values.money import Money, Price, half_even

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ADDRESS = ShippingAddress(
    name="Ada Lovelace",
    line1="12 St James's Square",
    city="London",
    postal_code="SW1Y 4JH",
    country="GB",
    phone="+44 20 7946 0000",
)


def gbp(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")


def payment_update(
    secured: int, payment_id: str = "pay_1", version: int = 2, captured: int | None = None, refunded: int = 0
) -> PaymentUpdate:
    """Return a payment's totals in pence; everything is captured, unless `captured` is given."""
    amounts = (secured, secured if captured is None else captured, refunded)
    return PaymentUpdate(payment_id, version, *map(gbp, amounts))


def included_tax(amount: int) -> Money:
    """Return the 20 % tax that a price includes."""
    return gbp(half_even(amount * 2_000, 12_000))


def line(sku: str, quantity: int, price: int) -> QuotedLine:
    return QuotedLine(
        sku=sku,
        product_id="prd_01J9ZB0H3K8Q7W6E5R4T3Y2U1I",
        title=f"A product with a title of usual length, {sku}",
        quantity=quantity,
        unit_price=Price(amount=price, currency="GBP"),
        line_total=gbp(price * quantity),
        tax=included_tax(price * quantity),
    )


def quote(lines: int = 3, user_id: str = "usr_1", at: datetime = NOW, **changes: Any) -> Quote:
    quoted_lines = [line(f"SKU-{number:04}", number + 1, 1_099 + number) for number in range(lines)]
    subtotal = gbp(sum(one.line_total.amount for one in quoted_lines))
    values: dict[str, Any] = {
        "quote_id": ids.new_id("quo"),
        "user_id": user_id,
        "lines": quoted_lines,
        "subtotal": subtotal,
        "discount": gbp(0),
        "shipping": gbp(395),
        "tax": gbp(sum(one.tax.amount for one in quoted_lines if one.tax) + included_tax(395).amount),
        "shipping_tax": included_tax(395),
        "total": subtotal + gbp(395),
        "country": "GB",
        "shipping_method": "standard",
        "shipping_address": ADDRESS,
        "cart_version": 3,
        "expires_at": at + timedelta(minutes=15),
    }
    return Quote(**(values | changes))


def discounted(discounts: Sequence[int], *, inclusive: bool) -> Quote:
    """Return a quote with a discount in pence per line; `inclusive`: prices include tax."""
    quoted = quote(len(discounts))
    lines = [
        line.model_copy(update={"discount": gbp(off)})
        for line, off in zip(quoted.lines, discounts, strict=True)
    ]
    net = quoted.subtotal - gbp(sum(discounts)) + quoted.shipping
    sums = {"discount": gbp(sum(discounts)), "total": net if inclusive else net + quoted.tax}
    return quoted.model_copy(update={"lines": lines, "tax_inclusive": inclusive, **sums})
