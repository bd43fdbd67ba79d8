"""Events of catalog."""

from typing import Literal

from shared.contracts.events.envelope import Event, EventData
from shared.values.money import Money


class ProductData(EventData):
    """A product variant. `version` grows with every change of the variant.

    `available` is exact below 100; above, it may be outdated, because changes of higher stock levels publish
    no event. `category_ids` serve coupons that apply to some categories only.
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
    data: ProductData


class ProductArchived(Event):
    type: Literal["product.archived"] = "product.archived"
    data: ProductData
