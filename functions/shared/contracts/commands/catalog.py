"""The commands that catalog handles."""

from typing import ClassVar

from shared.contracts.commands.base import Command, Empty, Message
from shared.contracts.events.catalog import ProductData
from shared.contracts.quotes import QuotedLine


class Products(Message):
    """The products of the requested SKUs; unknown SKUs are missing."""

    products: list[ProductData]


class DescribeProducts(Command[Products]):
    """Return product data by SKU. Handled by catalog."""

    command: ClassVar[str] = "describe"
    result: ClassVar = Products

    skus: list[str]


class ProductPage(Message):
    """A page of all products, active or not. Pass `after` to get the next page; it is None on the last."""

    products: list[ProductData]
    after: dict[str, str] | None = None


class ListProducts(Command[ProductPage]):
    """Return all products, page by page, for a service that rebuilds its replica. Handled by catalog."""

    command: ClassVar[str] = "list_products"
    result: ClassVar = ProductPage

    after: dict[str, str] | None = None


class Reserved(Message):
    order_id: str


class Reserve(Command[Reserved]):
    """Reserve stock for an order at exactly the quoted prices: all lines or none, idempotent by `order_id`.

    Handled by catalog. Rejected with `out-of-stock` (`items: [{sku, requested, available}]`, and `prices` if
    prices changed too), `price-changed` (`items: [{sku, quoted, current}]`) or `reservation-released` (the
    order was cancelled before).
    """

    command: ClassVar[str] = "reserve"
    result: ClassVar = Reserved

    order_id: str
    lines: list[QuotedLine]


class Release(Command[Empty]):
    """Release an order's reservation. Idempotent; an order without one is accepted. Handled by catalog."""

    command: ClassVar[str] = "release"
    result: ClassVar = Empty

    order_id: str
