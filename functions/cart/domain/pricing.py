"""What a cart costs: its discount, delivery and tax, and that they add up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cart.domain.carts import Cart
from cart.domain.promotions import Applied, Refusal
from cart.domain.shipping import Offer
from shared.contracts.quotes import Quote
from shared.values.money import BASIS_POINTS, Money, half_even

QUOTES_HOLD = timedelta(minutes=15)


class TaxRate(BaseModel):
    """A country's tax in basis points; `inclusive` says that prices contain it."""

    model_config = ConfigDict(frozen=True)

    country: str
    rate_bp: Annotated[int, Field(ge=0, le=BASIS_POINTS)]
    inclusive: bool
    version: int = 0

    def on(self, amount: Money) -> Money:
        """The tax on (exclusive) or in (inclusive) the amount, rounded half-even."""
        base = BASIS_POINTS + self.rate_bp if self.inclusive else BASIS_POINTS
        return Money(amount=half_even(amount.amount * self.rate_bp, base), currency=amount.currency)


@dataclass(frozen=True)
class Shown:
    """A cart as its shopper sees it, with what its coupon does; `refusal` says why it does nothing."""

    cart: Cart
    discount: Money
    refusal: Refusal | None

    @classmethod
    def of(cls, cart: Cart, applied: Applied) -> "Shown":
        return cls(cart, Money(amount=applied.discount, currency=cart.currency), applied.refusal)


@dataclass(frozen=True)
class Priced:
    """A quote, with what a shopper may still choose; `refusal` says why the cart's coupon is not in it."""

    quote: Quote
    offers: list[Offer]
    refusal: Refusal | None


@dataclass(frozen=True)
class Totals:
    """total = subtotal - discount + shipping, plus tax where prices exclude it.

    `line_taxes` are in the order of the lines; with `shipping_tax` they add up to `tax`.
    """

    subtotal: Money
    discount: Money
    shipping: Money
    line_taxes: tuple[Money, ...]
    shipping_tax: Money
    tax: Money
    total: Money


def totals(goods: Sequence[Money], discounts: Sequence[Money], shipping: Money, rate: TaxRate) -> Totals:
    """What the lines, less their discounts, and delivery cost; each is taxed by itself, rounded once."""
    zero = Money.zero(shipping.currency)
    subtotal, discount = sum(goods, zero), sum(discounts, zero)
    taxes = tuple(rate.on(part - less) for part, less in zip(goods, discounts, strict=True))
    shipping_tax = rate.on(shipping)
    tax = sum(taxes, shipping_tax)
    due = subtotal - discount + shipping
    total = due if rate.inclusive else due + tax
    return Totals(subtotal, discount, shipping, taxes, shipping_tax, tax, total)
