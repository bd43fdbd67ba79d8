"""Every question that one service may ask another, with its answer."""

from datetime import datetime
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


class ProductsPage(Message):
    """Some of what the catalog has, on sale or not; `after` asks for the next page, None on the last."""

    products: list[ProductFacts]
    after: dict[str, str] | None = None


class PageOfProducts(Ask[ProductsPage]):
    """Everything the catalog knows, page by page, for who builds a copy anew."""

    command: ClassVar[str] = "page_of_products"
    answer: ClassVar = ProductsPage

    after: dict[str, str] | None = None


class Rebuilt(Message):
    """How many products were looked at; `after` goes on where time ran out, None when all is done."""

    looked_at: int
    after: dict[str, str] | None = None


class RebuildReplica(Ask[Rebuilt]):
    """Have cart learn every product anew. By IAM only: for operators, when news were lost for good."""

    command: ClassVar[str] = "rebuild_replica"
    answer: ClassVar = Rebuilt

    after: dict[str, str] | None = None


class Reserved(Message):
    order_id: str


class Reserve(Ask[Reserved]):
    """Hold stock for an order, all lines or none, at exactly the quoted prices; idempotent by `order_id`.

    Declined with `out-of-stock` (`items: [{sku, requested, available}]`, and beside them the `prices` that
    changed), `price-changed` (`items: [{sku, quoted, current}]`) or `reservation-released` (the order was
    given up meanwhile).
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
    """An order, and what it knows of its payment: which one paid it, and what of that went back (minor
    units of its currency)."""

    order: OrderFacts
    version: int
    payment_id: str | None = None
    given_back: int = 0


class DescribeOrder(Ask[OrderToPay]):
    """What payments needs to know of an order. Declined with `not-found`."""

    command: ClassVar[str] = "describe"
    answer: ClassVar = OrderToPay

    order_id: str


class IssuedInvoice(Message):
    """An invoice as it is kept: its number, and the PDF in base64."""

    invoice_number: str
    issued_at: datetime
    pdf: str


class FetchInvoice(Ask[IssuedInvoice]):
    """A paid order's invoice, issued now where that has not happened. Declined with `not-found`."""

    command: ClassVar[str] = "fetch_invoice"
    answer: ClassVar = IssuedInvoice

    order_id: str


class InvoiceLinks(Message):
    """Where an invoice can be read for 15 minutes: `url` is the PDF, `html_url` the page."""

    invoice_number: str
    issued_at: datetime
    url: str
    html_url: str


class LocateInvoice(Ask[InvoiceLinks]):
    """As FetchInvoice, for a browser. Declined with `not-found`."""

    command: ClassVar[str] = "locate_invoice"
    answer: ClassVar = InvoiceLinks

    order_id: str


class Guest(Message):
    user_id: str


class IdentifyGuest(Ask[Guest]):
    """Whose access token this is. Declined with `invalid` where it is no guest's, altered, or expired."""

    command: ClassVar[str] = "identify_guest"
    answer: ClassVar = Guest

    token: str


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
