"""The terms of an order: what was agreed when it was placed, and the prices that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.contracts.quotes import CouponLimits, Quote, QuotedLine, ShippingAddress
from shared.errors import invalid
from shared.values.ids import derived_id
from shared.values.money import Money, half_even

QUOTE_PREFIX = "quo_"
MAX_BYTES = 240_000  # bytes of an order's event data; an SNS message has at most 256 KiB


@dataclass(frozen=True)
class Terms:
    """What was agreed when the order was placed; it never changes.

    total = subtotal - discount + shipping (+ tax, unless `tax_inclusive`). `shipping_tax` is the part of
    `tax` that is due for shipping.
    """

    lines: tuple[QuotedLine, ...]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    shipping_tax: Money
    tax_inclusive: bool
    total: Money
    shipping_method: str
    shipping_address: ShippingAddress
    email: str
    placed_at: datetime
    pay_by: datetime
    coupon: str | None = None

    def price_of_line(self, line: QuotedLine) -> int:
        """Return the price of a whole line in minor units, after discount, with tax."""
        discount = line.discount.amount if line.discount else 0
        tax = line.tax.amount if line.tax and not self.tax_inclusive else 0
        return line.line_total.amount - discount + tax

    def price_of_pieces(self, line: QuotedLine, pieces: int) -> int:
        """Return the price of a line's first `pieces` pieces in minor units, rounded half-even.

        The differences between successive calls add up to the price of the line, however it is divided.
        """
        return half_even(self.price_of_line(line) * pieces, line.quantity)

    def price_of(self, pieces: Mapping[str, int]) -> int:
        """Return the price of these first pieces by SKU, with shipping, in minor units.

        For all pieces it equals the total, so the differences between fulfilments add up to the total.
        """
        goods = sum(self.price_of_pieces(line, pieces.get(line.sku, 0)) for line in self.lines)
        return goods + self.shipping_price

    @property
    def shipping_price(self) -> int:
        """The price of shipping in minor units, with tax."""
        return self.shipping.amount + (0 if self.tax_inclusive else self.shipping_tax.amount)


class Redemption(NamedTuple):
    """A use of a coupon that has a limit: the counter to increase and its limit."""

    counter: str
    limit: int
    by_user: bool


def order_id_of(quote: Quote) -> str:
    """Return the id of the quote's order. It is derived from the quote's, so one quote makes one order."""
    return f"ord_{quote.quote_id.removeprefix(QUOTE_PREFIX)}"


def agree(
    quote: Quote, address: ShippingAddress | None, email: str, now: datetime, pay_within: timedelta
) -> Terms:
    """Return the terms of an order placed with this quote.

    Raises Invalid if the address or the email is missing, the address is in another country, or the order is
    too large for an event.
    """
    shipping_address = address or quote.shipping_address
    if shipping_address is None:
        raise invalid("/shipping_address", "The quote has no address; send a shipping_address.")
    if shipping_address.country != quote.country:
        raise invalid("/shipping_address/country", f"The quote is for an address in {quote.country}.")
    if not email:
        raise invalid("/email", "Guests must send an email address for the confirmation.")
    check(quote)
    data = quote.model_dump_json(exclude_none=True, exclude={"lines": {"__all__": {"discount", "tax"}}})
    if len(data.encode()) > MAX_BYTES:
        raise invalid("", "The order is too large; split it into two orders.")
    return Terms(
        lines=tuple(quote.lines),
        subtotal=quote.subtotal,
        discount=quote.discount,
        shipping=quote.shipping,
        tax=quote.tax,
        shipping_tax=quote.shipping_tax or Money.zero(quote.total.currency),
        tax_inclusive=quote.tax_inclusive,
        total=quote.total,
        shipping_method=quote.shipping_method,
        shipping_address=shipping_address,
        email=email,
        placed_at=now,
        pay_by=now + pay_within,
        coupon=quote.coupon,
    )


def check(quote: Quote) -> None:
    """Raise ValueError if the quote's amounts are inconsistent: it is signed, so this is a bug of cart."""
    subtotal = discount = Money.zero(quote.total.currency)
    tax = quote.shipping_tax or discount
    for line in quote.lines:
        if line.unit_price * line.quantity != line.line_total:
            raise ValueError(f"line {line.sku} of {quote.quote_id} does not add up")
        subtotal += line.line_total
        discount += line.discount or Money.zero(quote.total.currency)
        tax += line.tax or Money.zero(quote.total.currency)
        if line.discount and not 0 <= line.discount.amount <= line.line_total.amount:
            raise ValueError(f"line {line.sku} of {quote.quote_id} has a discount above its price")
    net = quote.subtotal - quote.discount + quote.shipping
    total = net if quote.tax_inclusive else net + quote.tax
    if (subtotal, discount, tax, total) != (quote.subtotal, quote.discount, quote.tax, quote.total):
        raise ValueError(f"{quote.quote_id} does not add up")
    if len({line.sku for line in quote.lines}) < len(quote.lines):
        raise ValueError(f"{quote.quote_id} contains a SKU twice")


def redemptions(quote: Quote, email: str) -> tuple[Redemption, ...]:
    """Return what an order with this quote redeems of its coupon's limits.

    Guests are counted by email, because each guest session has a new user id.
    """
    limits = quote.coupon_limits or CouponLimits()
    if quote.coupon is None:
        return ()
    shopper = email.casefold() if quote.user_id.startswith("gst_") else quote.user_id
    found = []
    if limits.overall is not None:
        found.append(Redemption(f"coupon#{quote.coupon}", limits.overall, by_user=False))
    if limits.per_user is not None:
        counter = f"coupon#{quote.coupon}#{derived_id('by', shopper)}"
        found.append(Redemption(counter, limits.per_user, by_user=True))
    return tuple(found)
