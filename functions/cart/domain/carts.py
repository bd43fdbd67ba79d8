"""A cart, its lines, and the rules for changing them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.contracts.events.catalog import ProductData
from shared.contracts.problems import CartEmpty, OutOfStock
from shared.contracts.quotes import MAX_LINES
from shared.errors import Conflict, invalid
from shared.values.money import Money, Price

MAX_QUANTITY = 9_999  # pieces per line; a mistyped quantity must not reserve the whole stock
MAX_PIECES = 100_000  # pieces per cart; even at the highest price and 100 % tax, every sum fits Money
MAX_NAMED = 10  # SKUs in the detail of a problem; its member `items` has all
GUEST_PREFIX = "gst_"
# As long as a guest's session: after that nobody can read the cart.
GUEST_CART_TTL = timedelta(days=30)


class CurrencyMismatch(Conflict):
    """The currencies differ: all lines of a cart have one currency."""

    advice = "Order or remove the cart's items first."


class Change(StrEnum):
    """The change of a line's product since the shopper last changed that line."""

    PRICE_UP = "price_up"
    PRICE_DOWN = "price_down"
    GONE = "gone"


@dataclass(frozen=True)
class Line:
    """A quantity of one product, with the product data of the last read.

    `acknowledged` is the price at the shopper's last change of the line. It is None until the line has been
    compared with current data (`refreshed`).
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
    def of(cls, product: ProductData, quantity: int) -> "Line":
        return cls(
            sku=product.sku,
            product_id=product.product_id,
            title=product.title,
            quantity=quantity,
            unit_price=Price(amount=product.unit_price.amount, currency=product.unit_price.currency),
            available=product.available,
            category_ids=tuple(product.category_ids),
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
        """Return the acknowledged price if the price has changed since; otherwise None."""
        return self.acknowledged if self.change in {Change.PRICE_UP, Change.PRICE_DOWN} else None

    def refreshed(self, product: ProductData | None) -> "Line":
        """Return the line with the catalog's current data; `product` is None if the catalog has none.

        A product that this cart cannot sell (unknown, archived, or priced in another currency) keeps its last
        price and has nothing available.
        """
        acknowledged = self.acknowledged or self.unit_price
        if product is None or not product.active or product.unit_price.currency != self.unit_price.currency:
            return replace(self, available=0, acknowledged=acknowledged, gone=True)
        return replace(Line.of(product, self.quantity), acknowledged=acknowledged)


@dataclass(frozen=True)
class Cart:
    """A shopper's only cart: its lines by SKU in the order of addition, and its coupon's code.

    Methods return a new cart, or the same object if nothing changes.
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

    @property
    def out_of_stock(self) -> list[Line]:
        """Return the lines whose quantity exceeds the last known available quantity."""
        return [line for line in self.lines.values() if line.quantity > line.available]

    def as_of(self, now: datetime) -> "Cart":
        """Return the cart without its contents if it has expired (DynamoDB's TTL deletes late)."""
        expired = self.expires_at is not None and self.expires_at <= now
        return replace(self, lines={}, coupon=None, expires_at=None) if expired else self

    def next_version(self, now: datetime) -> "Cart":
        """Return the cart as it is to be written; a guest's cart expires GUEST_CART_TTL from now."""
        expires_at = now + GUEST_CART_TTL if self.owner.startswith(GUEST_PREFIX) else None
        return replace(self, version=self.version + 1, expires_at=expires_at)

    def add(self, product: ProductData, quantity: int) -> "Cart":
        """Increase the product's quantity. Raises the same problems as `put`."""
        line = self.lines.get(product.sku)
        return self.put(product, quantity + (line.quantity if line else 0))

    def put(self, product: ProductData, quantity: int) -> "Cart":
        """Set the product's quantity (at least 1).

        Raises Invalid beyond the limits of a line or a cart, CurrencyMismatch if other lines have another
        currency.
        """
        others = [line for line in self.lines.values() if line.sku != product.sku]
        if quantity > MAX_QUANTITY:
            raise invalid("/quantity", f"A line can have at most {MAX_QUANTITY:,} pieces.")
        if sum(line.quantity for line in others) + quantity > MAX_PIECES:
            raise invalid("/quantity", f"A cart can have at most {MAX_PIECES:,} pieces.")
        if len(others) >= MAX_LINES:
            raise invalid("/sku", f"A cart can have at most {MAX_LINES:,} products.")
        currency = product.unit_price.currency
        if others and currency != self.currency:
            raise CurrencyMismatch(f"The cart is in {self.currency}; {product.sku} is sold in {currency}.")
        return replace(self, lines={**self.lines, product.sku: Line.of(product, quantity)}, currency=currency)

    def remove(self, sku: str) -> "Cart":
        return self._with({key: line for key, line in self.lines.items() if key != sku})

    def clear(self) -> "Cart":
        """Remove all lines and the coupon."""
        return self._with({}).with_coupon(None)

    def with_coupon(self, code: str | None) -> "Cart":
        return self if code == self.coupon else replace(self, coupon=code)

    def remove_ordered(self, ordered: Mapping[str, int], coupon: str | None = None) -> "Cart":
        """Remove the ordered quantities by SKU and the order's coupon; later additions stay."""
        reduced = [
            replace(line, quantity=line.quantity - ordered.get(line.sku, 0)) for line in self.lines.values()
        ]
        cart = self._with({line.sku: line for line in reduced if line.quantity > 0})
        return cart.with_coupon(None) if coupon == cart.coupon else cart

    def merged_with(self, guest: "Cart") -> "Cart":
        """Add the guest's lines, up to the limits of lines and carts, and its coupon if this cart has none.

        A line of both carts takes the guest's product data, because the guest shopped last. Raises
        CurrencyMismatch if both carts have lines and their currencies differ.
        """
        if self.lines and guest.lines and self.currency != guest.currency:
            raise CurrencyMismatch(f"The cart is in {self.currency}; the guest's is in {guest.currency}.")
        lines, capacity = dict(self.lines), MAX_PIECES - self.item_count
        for line in guest.lines.values():
            present = lines[line.sku].quantity if line.sku in lines else 0
            added = min(line.quantity, MAX_QUANTITY - present, capacity)
            if added > 0 and (present or len(lines) < MAX_LINES):
                lines[line.sku] = replace(line, quantity=present + added)
                capacity -= added
        currency = guest.currency if guest.lines else self.currency
        merged = self if lines == self.lines else replace(self, lines=lines, currency=currency)
        return merged if merged.coupon else merged.with_coupon(guest.coupon)

    def refreshed(self, products: Mapping[str, ProductData | None]) -> "Cart":
        """Return the cart with current product data; lines whose SKU is not a key stay as they are."""
        return self._with(
            {
                sku: line.refreshed(products[sku]) if sku in products else line
                for sku, line in self.lines.items()
            }
        )

    def check_sellable(self) -> None:
        """Raise CartEmpty, or OutOfStock with every line that exceeds the available quantity."""
        if not self.lines:
            raise CartEmpty("The cart is empty.")
        if short := self.out_of_stock:
            raise OutOfStock(
                "The stock is too low for " + ", ".join(line.sku for line in short[:MAX_NAMED]) + ".",
                items=[
                    {"sku": line.sku, "requested": line.quantity, "available": max(0, line.available)}
                    for line in short
                ],
            )

    def _with(self, lines: Mapping[str, Line]) -> "Cart":
        return self if lines == self.lines else replace(self, lines=lines)
