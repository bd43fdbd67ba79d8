"""The commands about products, which catalog handles."""

from typing import ClassVar

from shared.contracts.commands.base import Command, Message
from shared.contracts.events.catalog import ProductData


class Products(Message):
    """The products of the requested SKUs; unknown SKUs are missing."""

    products: list[ProductData]


class DescribeProducts(Command):
    """Return product data by SKU. Handled by catalog."""

    command: ClassVar[str] = "describe"
    result: ClassVar = Products

    skus: list[str]


class ProductPage(Message):
    """A page of all products, active or not. Pass `after` to get the next page; it is None on the last."""

    products: list[ProductData]
    after: dict[str, str] | None = None


class ListProducts(Command):
    """Return all products, page by page, for a service that rebuilds its replica. Handled by catalog."""

    command: ClassVar[str] = "list_products"
    result: ClassVar = ProductPage

    after: dict[str, str] | None = None
