"""What catalog says."""

from typing import Literal

from shared.events.envelope import Event, Fact
from shared.money import Money


class ProductFacts(Fact):
    """A product's variant as a cart needs to know it. `version` grows with every change of the variant.

    `available` is exact where it is below 100 and was true when said where it is above: beyond that,
    movements of stock are no news. `category_ids`: coupons may be for some categories alone.
    """

    product_id: str
    sku: str
    title: str
    unit_price: Money
    available: int
    active: bool
    version: int
    category_ids: list[str] = []  # noqa: RUF012 - pydantic copies it


class ProductChanged(Event):
    type: Literal["product.changed"] = "product.changed"
    data: ProductFacts


class ProductArchived(Event):
    type: Literal["product.archived"] = "product.archived"
    data: ProductFacts
