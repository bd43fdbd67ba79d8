"""The rules of products and their stock."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from shared.errors import Conflict, invalid
from shared.money import Money

MAX_VARIANTS = 45  # a product, its variants and their claims are one transaction of at most 100 writes
MAX_LINES = 98  # of one reserving transaction, beside the reservation's own row
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


class OutOfStock(Conflict):
    """Not all of it is there: `items` says which SKU lacks how much."""


class PriceChanged(Conflict):
    """It costs something else now: `items` says what was quoted and what it costs."""


class ReservationReleased(Conflict):
    """The order was given up before its stock was held."""


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
class Line:
    """So many pieces of a SKU for an order, at the price that was quoted."""

    product_id: str
    sku: str
    quantity: int
    price: Money


@dataclass(frozen=True)
class Lack:
    """Why a line could not be held: what there is of it now (None: it is not sold)."""

    line: Line
    available: int
    price: Money | None
    active: bool = True


@dataclass(frozen=True)
class Category:
    category_id: str
    name: str
    parent_id: str | None = None
    position: int = 0
    version: int = 1


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


def chunks(lines: Sequence[Line]) -> list[list[Line]]:
    """Parts that fit a transaction each, in a fixed order: everybody takes rows in the same one."""
    rest = iter(sorted(lines, key=lambda line: line.sku))
    return list(iter(lambda: list(islice(rest, MAX_LINES)), []))


def refusal(lacks: Sequence[Lack]) -> OutOfStock | PriceChanged:
    """What to tell who wanted to reserve: a lack of stock first, for a price can be accepted."""
    short = [
        lack for lack in lacks if lack.available < lack.line.quantity or not lack.active or not lack.price
    ]
    if short:
        return OutOfStock(
            "Not everything is in stock.",
            items=[
                {
                    "sku": lack.line.sku,
                    "requested": lack.line.quantity,
                    "available": lack.available if lack.active and lack.price else 0,
                }
                for lack in short
            ],
        )
    return PriceChanged(
        "Prices have changed.",
        items=[
            {
                "sku": lack.line.sku,
                "quoted": lack.line.price.model_dump(),
                "current": lack.price.model_dump() if lack.price else None,
            }
            for lack in lacks
        ],
    )


def full_title(product: str, variant: str) -> str:
    """What a cart calls a variant."""
    return f"{product}, {variant}" if variant and variant != product else product


def is_news(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    """Whether others need to hear of a variant's change: its title, price, being sold, or scarce stock."""
    if old is None:
        return bool(new["active"])
    told = ("title", "price", "currency", "active")
    if any(old[name] != new[name] for name in told):
        return True
    moved = old["available"] != new["available"]
    return moved and bool(new["active"]) and min(old["available"], new["available"]) < NEWSWORTHY
