"""The rules of a cart and of its price: pure, exact, in whole minor units."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.errors import Conflict, invalid
from shared.events import OrderLineFacts, ProductFacts
from shared.money import BASIS_POINTS, Money, Price, half_even
from shared.quotes import MAX_LINES, Quote

MAX_QUANTITY = 9_999
MAX_UNITS = 100_000  # of all lines together: even at the highest price and 100 % tax, every sum stays a Money
GUEST = "gst_"
GUEST_CARTS_KEPT = timedelta(days=30)
QUOTES_HOLD = timedelta(minutes=15)
ANYWHERE = "*"


class CurrencyMismatch(Conflict):
    """A cart holds one currency."""


class CartEmpty(Conflict):
    """There is nothing to price."""


class OutOfStock(Conflict):
    """Some lines want more than there is; `items: [{sku, requested, available}]` says which."""


@dataclass(frozen=True)
class Line:
    """So many of one product, with what was last heard of it; `unit_price` in minor units."""

    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Price
    available: int

    @classmethod
    def of(cls, facts: ProductFacts, quantity: int) -> "Line":
        price = Price(amount=facts.unit_price.amount, currency=facts.unit_price.currency)
        return cls(facts.sku, facts.product_id, facts.title, quantity, price, facts.available)

    @property
    def line_total(self) -> Money:
        return self.unit_price * self.quantity

    def seen(self, facts: ProductFacts | None) -> "Line":
        """The line as the catalog has the product now, None where it has it no more.

        What this cart cannot sell (gone, archived, now priced in another currency) keeps its last price and
        has nothing available.
        """
        if facts is None or not facts.active or facts.unit_price.currency != self.unit_price.currency:
            return replace(self, available=0)
        return Line.of(facts, self.quantity)


@dataclass(frozen=True)
class Cart:
    """A shopper's one cart: its lines by SKU, in the order they were added.

    Every rule gives a new cart, or the same one where nothing changes.
    """

    owner: str
    currency: str
    lines: Mapping[str, Line] = field(default_factory=dict)
    version: int = 0
    expires_at: datetime | None = None

    @property
    def item_count(self) -> int:
        return sum(line.quantity for line in self.lines.values())

    @property
    def subtotal(self) -> Money:
        return sum((line.line_total for line in self.lines.values()), Money.zero(self.currency))

    def as_of(self, now: datetime) -> "Cart":
        """The cart, without its lines where it has expired (DynamoDB deletes late)."""
        expired = self.expires_at is not None and self.expires_at <= now
        return replace(self, lines={}, expires_at=None) if expired else self

    def next_version(self, now: datetime) -> "Cart":
        """The cart as it is written now; a guest's lives for 30 days more."""
        kept = now + GUEST_CARTS_KEPT if self.owner.startswith(GUEST) else None
        return replace(self, version=self.version + 1, expires_at=kept)

    def add(self, facts: ProductFacts, quantity: int) -> "Cart":
        """So many more of the product. Raises what `put` raises."""
        held = self.lines.get(facts.sku)
        return self.put(facts, quantity + (held.quantity if held else 0))

    def put(self, facts: ProductFacts, quantity: int) -> "Cart":
        """Exactly so many of the product (1 to 9,999).

        Raises Invalid beyond what a line or a cart takes, CurrencyMismatch beside lines of another currency.
        """
        others = [line for line in self.lines.values() if line.sku != facts.sku]
        if quantity > MAX_QUANTITY:
            raise invalid("/quantity", f"A line takes at most {MAX_QUANTITY:,} pieces.")
        if sum(line.quantity for line in others) + quantity > MAX_UNITS:
            raise invalid("/quantity", f"A cart takes at most {MAX_UNITS:,} pieces.")
        if len(others) >= MAX_LINES:
            raise invalid("/sku", f"A cart takes at most {MAX_LINES:,} products.")
        currency = facts.unit_price.currency
        if others and currency != self.currency:
            raise CurrencyMismatch(f"The cart is in {self.currency}, {facts.sku} is sold in {currency}.")
        return replace(self, lines={**self.lines, facts.sku: Line.of(facts, quantity)}, currency=currency)

    def remove(self, sku: str) -> "Cart":
        return self._with({key: line for key, line in self.lines.items() if key != sku})

    def clear(self) -> "Cart":
        return self._with({})

    def forget(self, ordered: Iterable[OrderLineFacts]) -> "Cart":
        """Without what was ordered; what the shopper added meanwhile stays."""
        gone: Counter[str] = Counter()
        for line in ordered:
            gone[line.sku] += line.quantity
        left = (replace(line, quantity=line.quantity - gone[line.sku]) for line in self.lines.values())
        return self._with({line.sku: line for line in left if line.quantity > 0})

    def seen(self, products: Mapping[str, ProductFacts | None]) -> "Cart":
        """The cart with what is known of its products now; lines not spoken of stay as last seen."""
        return self._with(
            {sku: line.seen(products[sku]) if sku in products else line for sku, line in self.lines.items()}
        )

    @property
    def short(self) -> list[Line]:
        """The lines that want more than there is, as far as is known."""
        return [line for line in self.lines.values() if line.quantity > line.available]

    def check_sellable(self) -> None:
        """Raises CartEmpty, or OutOfStock with every line that wants more than there is."""
        if not self.lines:
            raise CartEmpty("The cart is empty.")
        if self.short:
            raise OutOfStock(
                "There is not enough of " + ", ".join(line.sku for line in self.short[:10]) + ".",
                items=[
                    {"sku": line.sku, "requested": line.quantity, "available": max(0, line.available)}
                    for line in self.short
                ],
            )

    def _with(self, lines: Mapping[str, Line]) -> "Cart":
        return self if lines == self.lines else replace(self, lines=lines)


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
class Priced:
    """A quote, with what a shopper may still choose and how its tax is meant."""

    quote: Quote
    offers: list[Offer]
    tax_inclusive: bool


@dataclass(frozen=True)
class Totals:
    """total = subtotal - discount + shipping, plus tax where prices exclude it."""

    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    total: Money


def totals(goods: Sequence[Money], shipping: Money, rate: TaxRate) -> Totals:
    """What the lines and their delivery cost; tax is rounded once per line, delivery being one of them."""
    zero = Money.zero(shipping.currency)
    discount = zero  # no coupons yet; the taxed lines below will carry their shares of it
    subtotal = sum(goods, zero)
    tax = sum((rate.on(part) for part in (*goods, shipping)), zero)
    due = subtotal - discount + shipping
    return Totals(subtotal, discount, shipping, tax, due if rate.inclusive else due + tax)
