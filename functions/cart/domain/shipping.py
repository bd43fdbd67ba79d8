"""Ways to deliver, and what each costs a cart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, model_validator

from shared.errors import invalid
from shared.values.money import Money, Price

ANYWHERE = "*"


class Rate(BaseModel):
    """What delivery costs from a subtotal on."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    min_subtotal: Price
    price: Price

    @model_validator(mode="after")
    def _one_currency(self) -> "Rate":
        if self.min_subtotal.currency != self.price.currency:
            raise ValueError("min_subtotal and price are in one currency")
        return self


class ShippingMethod(BaseModel):
    """A way to deliver, to the named countries (ISO 3166-1 alpha-2, `*` for all), priced in tiers."""

    model_config = ConfigDict(frozen=True)

    method: str
    name: str
    countries: list[str]
    rates: list[Rate]
    version: int

    def serves(self, country: str) -> bool:
        return country in self.countries or ANYWHERE in self.countries

    def price_for(self, subtotal: Money) -> Price | None:
        """The price of the highest tier that the subtotal reaches; None where it reaches none."""
        reached = [
            rate
            for rate in self.rates
            if rate.price.currency == subtotal.currency and rate.min_subtotal.amount <= subtotal.amount
        ]
        return max(reached, key=lambda rate: rate.min_subtotal.amount).price if reached else None


@dataclass(frozen=True)
class Offer:
    """A shipping method at its price for this cart."""

    method: str
    name: str
    price: Price


def offers(methods: Iterable[ShippingMethod], country: str, subtotal: Money) -> list[Offer]:
    """What can bring this subtotal to the country, cheapest first, ties by name."""
    priced = ((method, method.price_for(subtotal)) for method in methods if method.serves(country))
    found = [Offer(method.method, method.name, price) for method, price in priced if price is not None]
    return sorted(found, key=lambda offer: (offer.price.amount, offer.name, offer.method))


def choose(offered: Sequence[Offer], wanted: str | None, country_at: str) -> Offer:
    """The wanted offer, else the cheapest.

    Raises Invalid: at `country_at` (a JSON pointer) where nothing is offered, else at `/shipping_method`.
    """
    if not offered:
        raise invalid(country_at, "The shop does not deliver there.")
    if wanted is None:
        return offered[0]
    for offer in offered:
        if offer.method == wanted:
            return offer
    raise invalid("/shipping_method", "Not offered; choose one of " + ", ".join(o.method for o in offered))


def waived(offered: Sequence[Offer]) -> list[Offer]:
    """The same offers, in the same order, at no price."""
    return [replace(offer, price=Price.zero(offer.price.currency)) for offer in offered]
