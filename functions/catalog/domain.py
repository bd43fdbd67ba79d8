"""The rules of products, categories, stock and reservations."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any, NotRequired, TypeVar

from pydantic import Field
from typing_extensions import TypedDict

from shared.contracts.problems import OutOfStock, PriceChanged
from shared.errors import Conflict, invalid
from shared.values.money import Money

# variants per product; a product, its variants and their SKU claims fit one transaction of 100 writes
MAX_VARIANTS = 45
MAX_SLUG_LENGTH = 64  # characters; the id of a category is part of URLs
# lines per transaction; it has at most 100 writes, which include the reservation's own rows
MAX_LINES = 98
EXACT_STOCK_BELOW = 100  # pieces; changes of higher stock levels publish no event


class ProductStatus(StrEnum):
    """Only an active product is on sale."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class ReservationState(StrEnum):
    """The state of a reservation, or of one chunk of a large reservation."""

    RESERVING = "reserving"
    HELD = "held"
    COMMITTED = "committed"
    RELEASED = "released"


class SkuTaken(Conflict):
    """Another product has a SKU of this product."""

    advice = "Choose other SKUs, or change the product that has them."


class StockReservedMembers(TypedDict):
    """The pieces that are reserved for orders."""

    reserved: NotRequired[Annotated[int, Field(description="The number of reserved pieces of the SKU.")]]


class StockReserved(Conflict):
    """Some pieces of a SKU are reserved for orders."""

    advice = "Keep at least `reserved` pieces, or wait until the orders are shipped or cancelled."
    members = StockReservedMembers


class CategoryInUse(Conflict):
    """The category contains products or other categories."""

    advice = "Move or delete what the category contains, then retry."


class CategoryExists(Conflict):
    """Another category has this name."""

    advice = "Choose another name, or change the existing category."


@dataclass(frozen=True)
class Variant:
    """One SKU of a product, with its stock: on_hand = available + reserved."""

    sku: str
    title: str
    options: Mapping[str, str]
    price: Money
    available: int = 0
    reserved: int = 0
    version: int = 0

    @property
    def on_hand(self) -> int:
        return self.available + self.reserved


@dataclass(frozen=True)
class Product:
    product_id: str
    title: str
    description: str
    category_ids: tuple[str, ...]
    status: ProductStatus
    attributes: Mapping[str, str]
    variants: tuple[Variant, ...]
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def min_price(self) -> int:
        return min((variant.price.amount for variant in self.variants), default=0)


@dataclass(frozen=True)
class Pieces:
    """A quantity of one SKU of a product."""

    product_id: str
    sku: str
    quantity: int


@dataclass(frozen=True)
class Line(Pieces):
    """A line of an order: a quantity at the quoted price."""

    price: Money


P = TypeVar("P", bound=Pieces)


@dataclass(frozen=True)
class Shortage:
    """The reason why a line cannot be reserved: its current stock and price.

    `price` is None if the SKU does not exist, `active` False if its product is not on sale.
    """

    line: Line
    available: int
    price: Money | None
    active: bool = True

    @property
    def sellable(self) -> int:
        """The quantity that can be reserved, at any price."""
        return self.available if self.active and self.price else 0

    @property
    def price_changed(self) -> bool:
        """Whether the line can be reserved, but at another price than the quoted one."""
        return self.sellable > 0 and self.price != self.line.price


@dataclass(frozen=True)
class Category:
    category_id: str
    name: str
    parent_id: str | None = None
    position: int = 0
    version: int = 1

    @property
    def sort_key(self) -> tuple[int, str, str]:
        """The position among all categories; unique, so that a cursor can point to it."""
        return self.position, self.name, self.category_id


@dataclass(frozen=True)
class ProductFilter:
    """Conditions of a listing: all words occur, the price is within the bounds (minor units)."""

    words: tuple[str, ...] = ()
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool = False

    @property
    def is_unsatisfiable(self) -> bool:
        """Whether the bounds exclude every price."""
        return self.min_price is not None and self.max_price is not None and self.min_price > self.max_price


def slugify(name: str) -> str:
    """Return the id of a category with this name: `a-z`, `0-9` and `-`, without accents.

    Raises Invalid if nothing remains.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG_LENGTH]
    if not found:
        raise invalid("/name", "The name must contain a character from A to Z or a digit.")
    return found


def merge_lines(lines: Iterable[Line]) -> list[Line]:
    """Return one line per SKU, because a DynamoDB transaction may write a row only once."""
    found: dict[str, Line] = {}
    for line in lines:
        known = found.get(line.sku)
        found[line.sku] = replace(known, quantity=known.quantity + line.quantity) if known else line
    return list(found.values())


def split_into_chunks(lines: Sequence[P]) -> list[list[P]]:
    """Split lines into parts of at most MAX_LINES, always in the same order.

    A retry therefore finds the same parts, and concurrent transactions write shared rows in the same order.
    """
    rest = iter(sorted(lines, key=lambda line: (line.sku, line.product_id)))
    return list(iter(lambda: list(islice(rest, MAX_LINES)), []))


def merge_pieces(pieces: Iterable[Pieces]) -> list[Pieces]:
    """Return one entry per product and SKU, because a DynamoDB transaction may write a row only once."""
    found: Counter[tuple[str, str]] = Counter()
    for each in pieces:
        found[each.product_id, each.sku] += each.quantity
    return [Pieces(product_id, sku, quantity) for (product_id, sku), quantity in found.items()]


def reservation_problem(shortages: Sequence[Shortage]) -> OutOfStock | PriceChanged:
    """Return the problem that describes all shortages: an order that accepts all of them can be reserved.

    It is OutOfStock if any line exceeds the stock, because a shopper can accept a new price; changed prices
    are then in `prices`.
    """
    prices = [
        {
            "sku": shortage.line.sku,
            "quoted": shortage.line.price.model_dump(),
            "current": shortage.price.model_dump(),
        }
        for shortage in shortages
        if shortage.price and shortage.price_changed
    ]
    short = [shortage for shortage in shortages if shortage.sellable < shortage.line.quantity]
    if not short:
        return PriceChanged("Some prices differ from the quoted ones.", items=prices)
    members: dict[str, Any] = {"prices": prices} if prices else {}
    members["items"] = [
        {"sku": shortage.line.sku, "requested": shortage.line.quantity, "available": shortage.sellable}
        for shortage in short
    ]
    return OutOfStock("Some items are not available in the requested quantity.", **members)


def stock_reserved(variant: Variant, on_hand: int) -> StockReserved:
    """Return the problem of a stock on hand that is lower than the reserved stock."""
    detail = f"{variant.reserved} pieces are reserved, so the stock on hand cannot be {on_hand}."
    return StockReserved(detail, reserved=variant.reserved)


def full_title(product: str, variant: str) -> str:
    """Return the title of a variant in carts and orders."""
    return f"{product}, {variant}" if variant and variant != product else product


def initial_version(created_at: datetime) -> int:
    """Return the first version of a new variant: milliseconds since 1970.

    A SKU may be removed and created again, and replicas ignore events with lower versions than they have
    seen. Starting from the time exceeds the removed variant's versions without storing them, because the
    stock of a variant does not change a thousand times per second.
    """
    return int(created_at.timestamp() * 1000)


def needs_event(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    """Return whether a variant's change is published: of title, price, status, categories or low stock."""
    if old is None:
        return bool(new["active"])
    published = ("title", "price", "currency", "active", "category_ids")
    if any(old[name] != new[name] for name in published):
        return True
    changed = old["available"] != new["available"]
    return changed and bool(new["active"]) and min(old["available"], new["available"]) < EXACT_STOCK_BELOW
