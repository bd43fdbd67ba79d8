"""The rules of products and their stock."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, TypeVar

from shared.contracts.problems import OutOfStock, PriceChanged
from shared.errors import Conflict, invalid
from shared.values.money import Money

MAX_VARIANTS = 45  # a product, its variants and their claims are one transaction of at most 100 writes
MAX_LINES = 98  # of one transaction, beside the rows that note what it did
NEWSWORTHY = 100  # pieces: movements above are nobody's news


class Status(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class State(StrEnum):
    """Of a reservation, or of a chunk of a large one."""

    RESERVING = "reserving"
    HELD = "held"
    COMMITTED = "committed"
    RELEASED = "released"


class SkuTaken(Conflict):
    """Another product has this SKU."""


class StockReserved(Conflict):
    """Pieces of it are promised to orders."""


class CategoryInUse(Conflict):
    """Products or other categories are in it."""


class CategoryExists(Conflict):
    """There is a category of this name."""


@dataclass(frozen=True)
class Variant:
    """One SKU of a product. on_hand = available + reserved: what lies on the shelf."""

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
    status: Status
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
    """So many of a product's SKU."""

    product_id: str
    sku: str
    quantity: int


@dataclass(frozen=True)
class Line(Pieces):
    """So many pieces for an order, at the price that was quoted."""

    price: Money


P = TypeVar("P", bound=Pieces)


@dataclass(frozen=True)
class Lack:
    """Why a line could not be held: what there is of it now (None: it is not sold)."""

    line: Line
    available: int
    price: Money | None
    active: bool = True

    @property
    def left(self) -> int:
        """How much of it can be had."""
        return self.available if self.active and self.price else 0

    @property
    def is_dearer_or_cheaper(self) -> bool:
        """Something can be had of it, at another price than the quoted."""
        return self.left > 0 and self.price != self.line.price


@dataclass(frozen=True)
class Category:
    category_id: str
    name: str
    parent_id: str | None = None
    position: int = 0
    version: int = 1

    @property
    def order(self) -> tuple[int, str, str]:
        """Where it stands among all: a place that no two have."""
        return self.position, self.name, self.category_id


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to: products with all the words, prices within bounds (minor units)."""

    words: tuple[str, ...] = ()
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool = False

    @property
    def is_impossible(self) -> bool:
        """Empty costs at least more than at most."""
        return self.min_price is not None and self.max_price is not None and self.min_price > self.max_price


def slug(name: str) -> str:
    """A category's id: its name in plain lower case with hyphens. Raises Invalid where nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64]
    if not found:
        raise invalid("/name", "A category's name needs a letter or a digit.")
    return found


def merged(lines: Iterable[Line]) -> list[Line]:
    """One line a SKU: DynamoDB takes each row once in a transaction."""
    found: dict[str, Line] = {}
    for line in lines:
        known = found.get(line.sku)
        found[line.sku] = replace(known, quantity=known.quantity + line.quantity) if known else line
    return list(found.values())


def chunks(lines: Sequence[P]) -> list[list[P]]:
    """Parts that fit a transaction each, in a fixed order: everybody takes rows in the same one."""
    rest = iter(sorted(lines, key=lambda line: (line.sku, line.product_id)))
    return list(iter(lambda: list(islice(rest, MAX_LINES)), []))


def together(pieces: Iterable[Pieces]) -> list[Pieces]:
    """One entry a product's SKU: DynamoDB takes each row once in a transaction."""
    found: Counter[tuple[str, str]] = Counter()
    for each in pieces:
        found[each.product_id, each.sku] += each.quantity
    return [Pieces(product_id, sku, quantity) for (product_id, sku), quantity in found.items()]


def reservation_problem(lacks: Sequence[Lack]) -> OutOfStock | PriceChanged:
    """What to tell who wanted to reserve, so that who accepts all of it is not refused again.

    A lack of stock comes first, for a price can be accepted; prices that changed too are told beside it.
    """
    prices = [
        {
            "sku": lack.line.sku,
            "quoted": lack.line.price.model_dump(),
            "current": lack.price.model_dump(),
        }
        for lack in lacks
        if lack.price and lack.is_dearer_or_cheaper
    ]
    short = [lack for lack in lacks if lack.left < lack.line.quantity]
    if not short:
        return PriceChanged("Prices have changed.", items=prices)
    told: dict[str, Any] = {"prices": prices} if prices else {}
    told["items"] = [
        {"sku": lack.line.sku, "requested": lack.line.quantity, "available": lack.left} for lack in short
    ]
    return OutOfStock("Not everything is in stock.", **told)


def full_title(product: str, variant: str) -> str:
    """What a cart calls a variant."""
    return f"{product}, {variant}" if variant and variant != product else product


def first_version(made_at: datetime) -> int:
    """Where a new variant's version starts: milliseconds since 1970.

    A SKU may be taken out and made anew; who keeps a copy goes by versions, and must not take the new one's
    news for old ones of the one before. Counting from the time needs no memory of what is gone, and a shelf
    does not move a thousand times a second.
    """
    return int(made_at.timestamp() * 1000)


def is_news(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    """Whether others need to hear of a variant's change: what it is, costs, belongs to, or scarce stock."""
    if old is None:
        return bool(new["active"])
    told = ("title", "price", "currency", "active", "category_ids")
    if any(old[name] != new[name] for name in told):
        return True
    moved = old["available"] != new["available"]
    return moved and bool(new["active"]) and min(old["available"], new["available"]) < NEWSWORTHY
