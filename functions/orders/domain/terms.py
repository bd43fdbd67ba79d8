"""What was agreed: the terms that a quote becomes when it is ordered, and what each line's buyer pays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.contracts.quotes import CouponLimits, Quote, QuotedLine, ShippingAddress
from shared.errors import invalid
from shared.values.ids import derived_id
from shared.values.money import Money, half_even

QUOTE_PREFIX = "quo_"
MAX_BYTES = 240_000  # what is told of an order must fit a message of SNS: 256 KiB


@dataclass(frozen=True)
class Terms:
    """What was agreed when the order was placed; never changed after.

    total = subtotal - discount + shipping (+ tax unless `tax_inclusive`); `shipping_tax` is delivery's part
    of `tax`.
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

    def line(self, sku: str) -> QuotedLine | None:
        return next((line for line in self.lines if line.sku == sku), None)

    def paid_for_line(self, line: QuotedLine) -> int:
        """What the buyer pays for all of a line, in minor units: less its discount, with its tax."""
        discount = line.discount.amount if line.discount else 0
        tax = line.tax.amount if line.tax and not self.tax_inclusive else 0
        return line.line_total.amount - discount + tax

    def paid_for_pieces(self, line: QuotedLine, pieces: int) -> int:
        """What the first so many pieces of a line cost, in minor units, half-even.

        Differences of this add up to the whole line, however it is divided.
        """
        return half_even(self.paid_for_line(line) * pieces, line.quantity)

    def paid_for(self, pieces: Mapping[str, int]) -> int:
        """What the first so many pieces of each SKU cost with the delivery, in minor units.

        Of all pieces it is the total, so that what further parcels add to it adds up to that.
        """
        goods = sum(self.paid_for_pieces(line, pieces.get(line.sku, 0)) for line in self.lines)
        return goods + self.paid_for_delivery

    @property
    def paid_for_delivery(self) -> int:
        return self.shipping.amount + (0 if self.tax_inclusive else self.shipping_tax.amount)


@dataclass(frozen=True)
class Redemption:
    """A use of a coupon that has a limit: the counter that it takes one of."""

    counter: str
    limit: int
    by_user: bool


def order_id_of(quote: Quote) -> str:
    """One order a quote, whoever sends it how often: the order's id is the quote's."""
    return f"ord_{quote.quote_id.removeprefix(QUOTE_PREFIX)}"


def agreed(
    quote: Quote, address: ShippingAddress | None, email: str, now: datetime, pay_within: timedelta
) -> Terms:
    """What the order stands on. Raises Invalid: no address, no e-mail, another country, or too much."""
    where = address or quote.shipping_address
    if where is None:
        raise invalid("/shipping_address", "The quote was made for a country; say where the parcel goes.")
    if where.country != quote.country:
        raise invalid("/shipping_address/country", f"The quote was made for {quote.country}.")
    if not email:
        raise invalid("/email", "Say where the confirmation goes.")
    check(quote)
    told = quote.model_dump_json(exclude_none=True, exclude={"lines": {"__all__": {"discount", "tax"}}})
    if len(told.encode()) > MAX_BYTES:
        raise invalid("", "This is too much for one order; make two of it.")
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
        shipping_address=where,
        email=email,
        placed_at=now,
        pay_by=now + pay_within,
        coupon=quote.coupon,
    )


def check(quote: Quote) -> None:
    """Hold the quote to its own arithmetic. Raises ValueError: one that is signed and wrong is our bug."""
    subtotal = discount = Money.zero(quote.total.currency)
    tax = quote.shipping_tax or discount
    for line in quote.lines:
        if line.unit_price * line.quantity != line.line_total:
            raise ValueError(f"line {line.sku} of {quote.quote_id} does not add up")
        subtotal += line.line_total
        discount += line.discount or Money.zero(quote.total.currency)
        tax += line.tax or Money.zero(quote.total.currency)
        if line.discount and not 0 <= line.discount.amount <= line.line_total.amount:
            raise ValueError(f"line {line.sku} of {quote.quote_id} is discounted beyond its price")
    net = quote.subtotal - quote.discount + quote.shipping
    total = net if quote.tax_inclusive else net + quote.tax
    if (subtotal, discount, tax, total) != (quote.subtotal, quote.discount, quote.tax, quote.total):
        raise ValueError(f"{quote.quote_id} does not add up")
    if len({line.sku for line in quote.lines}) < len(quote.lines):
        raise ValueError(f"{quote.quote_id} names a SKU twice")


def redemptions(quote: Quote, email: str) -> tuple[Redemption, ...]:
    """What ordering by this quote takes of its coupon's limits; guests, new each time, count by e-mail."""
    limits = quote.coupon_limits or CouponLimits()
    if quote.coupon is None:
        return ()
    who = email.casefold() if quote.user_id.startswith("gst_") else quote.user_id
    taken = []
    if limits.overall is not None:
        taken.append(Redemption(f"coupon#{quote.coupon}", limits.overall, by_user=False))
    if limits.per_user is not None:
        counter = f"coupon#{quote.coupon}#{derived_id('by', who)}"
        taken.append(Redemption(counter, limits.per_user, by_user=True))
    return tuple(taken)
