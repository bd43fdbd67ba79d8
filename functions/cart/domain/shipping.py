"""Shipping methods, and their prices for a cart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import ConfigDict, model_validator

from shared.errors import invalid
from shared.models import Model
from shared.values.money import Money, Price

ANYWHERE = "*"


class Rate(Model):
    """The shipping price of subtotals from `min_subtotal` on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    min_subtotal: Price
    price: Price

    @model_validator(mode="after")
    def _one_currency(self) -> "Rate":
        if self.min_subtotal.currency != self.price.currency:
            raise ValueError("min_subtotal and price must have the same currency")
        return self


class ShippingMethod(Model):
    """A shipping method to some countries (ISO 3166-1 alpha-2, `*` for all), priced in tiers."""

    method: str
    name: str
    countries: list[str]
    rates: list[Rate]
    version: int

    def serves(self, country: str) -> bool:
        return country in self.countries or ANYWHERE in self.countries

    def price_for(self, subtotal: Money) -> Price | None:
        """Return the price of the highest tier that the subtotal reaches; None if it reaches none."""
        reached = [
            rate
            for rate in self.rates
            if rate.price.currency == subtotal.currency and rate.min_subtotal.amount <= subtotal.amount
        ]
        return max(reached, key=lambda rate: rate.min_subtotal.amount).price if reached else None


@dataclass(frozen=True)
class Offer:
    """A shipping method with its price for one cart."""

    method: str
    name: str
    price: Price


def offers(methods: Iterable[ShippingMethod], country: str, subtotal: Money) -> list[Offer]:
    """Return the methods that ship this subtotal to the country, cheapest first, then by name."""
    priced = ((method, method.price_for(subtotal)) for method in methods if method.serves(country))
    found = [Offer(method.method, method.name, price) for method, price in priced if price is not None]
    return sorted(found, key=lambda offer: (offer.price.amount, offer.name, offer.method))


def destinations(methods: Iterable[ShippingMethod], subtotal: Money) -> list[str]:
    """Return the countries to which a method ships this subtotal, in alphabetical order."""
    served = (method.countries for method in methods if method.price_for(subtotal) is not None)
    return sorted({country for countries in served for country in countries})


def choose(
    offered: Sequence[Offer], method: str | None, country_pointer: str, served: Sequence[str] = ()
) -> Offer:
    """Return the offer of this method; the cheapest if `method` is None.

    Raises Invalid: at `country_pointer` (a JSON pointer) if there are no offers, which names the `served`
    countries; at `/shipping_method` if this method is not offered.
    """
    if not offered:
        possible = f" It ships to {', '.join(served)}." if served else ""
        raise invalid(country_pointer, f"The shop does not ship to this country.{possible}")
    if method is None:
        return offered[0]
    for offer in offered:
        if offer.method == method:
            return offer
    available = ", ".join(offer.method for offer in offered)
    raise invalid("/shipping_method", f"This method is not available; choose one of: {available}.")


def waived(offered: Sequence[Offer]) -> list[Offer]:
    """Return the same offers with a price of zero."""
    return [replace(offer, price=Price.zero(offer.price.currency)) for offer in offered]
