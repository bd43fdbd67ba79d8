"""A cart and its lines: what may be in it, and what has changed since its shopper looked."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.contracts.events import OrderLineData, ProductData
from shared.contracts.problems import CartEmpty, OutOfStock
from shared.contracts.quotes import MAX_LINES
from shared.errors import Conflict, invalid
from shared.values.money import Money, Price

MAX_QUANTITY = 9_999
MAX_UNITS = 100_000  # of all lines together: even at the highest price and 100 % tax, every sum stays a Money
GUEST = "gst_"
GUEST_CARTS_KEPT = timedelta(days=30)


class CurrencyMismatch(Conflict):
    """A cart holds one currency."""


class Change(StrEnum):
    """What happened to a line's product since its shopper last changed that line."""

    PRICE_UP = "price_up"
    PRICE_DOWN = "price_down"
    GONE = "gone"


@dataclass(frozen=True)
class Line:
    """So many of one product, with what was last heard of it; `unit_price` in minor units.

    `acknowledged` is the price that the shopper knows, where the line was compared with today's (`seen`).
    """

    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Price
    available: int
    category_ids: tuple[str, ...] = ()
    acknowledged: Price | None = None
    gone: bool = False

    @classmethod
    def of(cls, facts: ProductData, quantity: int) -> "Line":
        price = Price(amount=facts.unit_price.amount, currency=facts.unit_price.currency)
        return cls(
            facts.sku,
            facts.product_id,
            facts.title,
            quantity,
            price,
            facts.available,
            tuple(facts.category_ids),
        )

    @property
    def line_total(self) -> Money:
        return self.unit_price * self.quantity

    @property
    def change(self) -> Change | None:
        if self.gone:
            return Change.GONE
        if self.acknowledged is None or self.acknowledged == self.unit_price:
            return None
        return Change.PRICE_UP if self.unit_price.amount > self.acknowledged.amount else Change.PRICE_DOWN

    @property
    def previous_unit_price(self) -> Price | None:
        """The price before, where it is another now."""
        return self.acknowledged if self.change in {Change.PRICE_UP, Change.PRICE_DOWN} else None

    def seen(self, facts: ProductData | None) -> "Line":
        """The line as the catalog has the product now, None where it has it no more.

        What this cart cannot sell (gone, archived, now priced in another currency) keeps its last price and
        has nothing available.
        """
        known = self.acknowledged or self.unit_price
        if facts is None or not facts.active or facts.unit_price.currency != self.unit_price.currency:
            return replace(self, available=0, acknowledged=known, gone=True)
        return replace(Line.of(facts, self.quantity), acknowledged=known)


@dataclass(frozen=True)
class Cart:
    """A shopper's one cart: its lines by SKU, in the order they were added, and the code of its coupon.

    Every rule gives a new cart, or the same one where nothing changes.
    """

    owner: str
    currency: str
    lines: Mapping[str, Line] = field(default_factory=dict)
    coupon: str | None = None
    version: int = 0
    expires_at: datetime | None = None

    @property
    def item_count(self) -> int:
        return sum(line.quantity for line in self.lines.values())

    @property
    def subtotal(self) -> Money:
        return sum((line.line_total for line in self.lines.values()), Money.zero(self.currency))

    def as_of(self, now: datetime) -> "Cart":
        """The cart, without what was in it where it has expired (DynamoDB deletes late)."""
        expired = self.expires_at is not None and self.expires_at <= now
        return replace(self, lines={}, coupon=None, expires_at=None) if expired else self

    def next_version(self, now: datetime) -> "Cart":
        """The cart as it is written now; a guest's lives for 30 days more."""
        kept = now + GUEST_CARTS_KEPT if self.owner.startswith(GUEST) else None
        return replace(self, version=self.version + 1, expires_at=kept)

    def add(self, facts: ProductData, quantity: int) -> "Cart":
        """So many more of the product. Raises what `put` raises."""
        held = self.lines.get(facts.sku)
        return self.put(facts, quantity + (held.quantity if held else 0))

    def put(self, facts: ProductData, quantity: int) -> "Cart":
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
        """Without lines and coupon."""
        return self._with({}).with_coupon(None)

    def with_coupon(self, code: str | None) -> "Cart":
        return self if code == self.coupon else replace(self, coupon=code)

    def forget(self, ordered: Iterable[OrderLineData], coupon: str | None = None) -> "Cart":
        """Without what was ordered and the coupon it was ordered with; what was added meanwhile stays."""
        gone: Counter[str] = Counter()
        for line in ordered:
            gone[line.sku] += line.quantity
        left = (replace(line, quantity=line.quantity - gone[line.sku]) for line in self.lines.values())
        kept = self._with({line.sku: line for line in left if line.quantity > 0})
        return kept.with_coupon(None) if coupon == kept.coupon else kept

    def merged_with(self, guests: "Cart") -> "Cart":
        """The sum of both carts, capped at what lines and carts take; the guest's coupon where there is none.

        A line of both is as the guest's was last acknowledged: that is who shopped last. Raises
        CurrencyMismatch where both hold goods in different currencies.
        """
        if self.lines and guests.lines and self.currency != guests.currency:
            raise CurrencyMismatch(f"The cart is in {self.currency}, the guest's is in {guests.currency}.")
        lines, room = dict(self.lines), MAX_UNITS - self.item_count
        for line in guests.lines.values():
            held = lines[line.sku].quantity if line.sku in lines else 0
            taken = min(line.quantity, MAX_QUANTITY - held, room)
            if taken > 0 and (held or len(lines) < MAX_LINES):
                lines[line.sku] = replace(line, quantity=held + taken)
                room -= taken
        currency = guests.currency if guests.lines else self.currency
        merged = self if lines == self.lines else replace(self, lines=lines, currency=currency)
        return merged if merged.coupon else merged.with_coupon(guests.coupon)

    def seen(self, products: Mapping[str, ProductData | None]) -> "Cart":
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
