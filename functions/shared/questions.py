"""Every question that one service may ask another, with its answer."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.events import OrderFacts, ProductFacts
from shared.invoke import Ask, Message
from shared.quotes import Quote, QuotedLine, ShippingAddress


class Nothing(Message):
    """Done; there is nothing to tell."""


class Products(Message):
    """What the catalog knows of the asked SKUs; those it does not know are absent."""

    products: list[ProductFacts]


class DescribeProducts(Ask[Products]):
    command: ClassVar[str] = "describe"
    answer: ClassVar = Products

    skus: list[str]


class Reserved(Message):
    order_id: str


class Reserve(Ask[Reserved]):
    """Hold stock for an order, all lines or none, at exactly the quoted prices; idempotent by `order_id`.

    Declined with `out-of-stock` (`items: [{sku, requested, available}]`), `price-changed`
    (`items: [{sku, quoted, current}]`) or `reservation-released` (the order was given up meanwhile).
    """

    command: ClassVar[str] = "reserve"
    answer: ClassVar = Reserved

    order_id: str
    lines: list[QuotedLine]


class Release(Ask[Nothing]):
    """Give back what an order holds; idempotent, and right for an order that never reserved."""

    command: ClassVar[str] = "release"
    answer: ClassVar = Nothing

    order_id: str


class QuoteCart(Ask[Quote]):
    """Price the owner's cart. Declined with `cart-empty`, `out-of-stock`, `invalid` (shipping)."""

    command: ClassVar[str] = "quote"
    answer: ClassVar = Quote

    user_id: str
    country: str
    shipping_address: ShippingAddress | None = None
    shipping_method: str | None = None


class OrderToPay(Message):
    order: OrderFacts
    version: int


class DescribeOrder(Ask[OrderToPay]):
    """What payments needs to know of an order. Declined with `not-found`."""

    command: ClassVar[str] = "describe"
    answer: ClassVar = OrderToPay

    order_id: str


class Account(Message):
    user_id: str
    roles: list[str]


class EnsureAccount(Ask[Account]):
    """Make the account, or give the one there is these roles and this password. By IAM only: no route."""

    command: ClassVar[str] = "ensure_account"
    answer: ClassVar = Account

    email: str
    password: str
    name: str
    roles: Annotated[list[str], Field(min_length=1)]
