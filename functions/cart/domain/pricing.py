"""The price of a cart: discount, shipping, tax and their total."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from cart.domain.carts import Cart
from cart.domain.promotions import CouponEffect, Ineligible
from cart.domain.shipping import Offer
from shared.contracts.quotes import Quote
from shared.models import Model
from shared.values.money import BASIS_POINTS, Money, half_even

# Time to enter an address and to confirm. It must not be long, because the price of a quote is not updated.
QUOTE_TTL = timedelta(minutes=15)


class TaxRate(Model):
    """A country's tax rate in basis points. `inclusive`: prices include the tax."""

    country: str
    rate_bp: Annotated[int, Field(ge=0, le=BASIS_POINTS)]
    inclusive: bool
    version: int = 0

    def on(self, amount: Money) -> Money:
        """Return the tax on the amount (exclusive) or in it (inclusive), rounded half-even."""
        base = BASIS_POINTS + self.rate_bp if self.inclusive else BASIS_POINTS
        return Money(amount=half_even(amount.amount * self.rate_bp, base), currency=amount.currency)


@dataclass(frozen=True)
class PricedCart:
    """A cart with its discount; `ineligible` says why its coupon does not apply."""

    cart: Cart
    discount: Money
    ineligible: Ineligible | None

    @classmethod
    def of(cls, cart: Cart, effect: CouponEffect) -> "PricedCart":
        return cls(cart, Money(amount=effect.discount, currency=cart.currency), effect.ineligible)


@dataclass(frozen=True)
class PricedQuote:
    """A quote with all shipping offers; `ineligible` says why the cart's coupon is not in the quote."""

    quote: Quote
    offers: list[Offer]
    ineligible: Ineligible | None


@dataclass(frozen=True)
class Totals:
    """total = subtotal - discount + shipping, plus tax if prices exclude it.

    `line_taxes` are in the order of the lines; together with `shipping_tax` they add up to `tax`.
    """

    subtotal: Money
    discount: Money
    shipping: Money
    line_taxes: tuple[Money, ...]
    shipping_tax: Money
    tax: Money
    total: Money


def totals(goods: Sequence[Money], discounts: Sequence[Money], shipping: Money, rate: TaxRate) -> Totals:
    """Compute the totals. Each line (less its discount) and the shipping are taxed and rounded separately."""
    zero = Money.zero(shipping.currency)
    subtotal, discount = sum(goods, zero), sum(discounts, zero)
    line_taxes = tuple(rate.on(part - less) for part, less in zip(goods, discounts, strict=True))
    shipping_tax = rate.on(shipping)
    tax = sum(line_taxes, shipping_tax)
    due = subtotal - discount + shipping
    total = due if rate.inclusive else due + tax
    return Totals(subtotal, discount, shipping, line_taxes, shipping_tax, tax, total)
