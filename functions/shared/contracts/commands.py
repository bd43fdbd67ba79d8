"""The commands that services send to each other (Lambda invoke), each with the type of its result."""

from datetime import datetime
from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.events import OrderData, ProductData
from shared.contracts.quotes import Quote, QuotedLine, ShippingAddress

R = TypeVar("R", bound=BaseModel)


class Message(BaseModel):
    """Base of commands and results. Unknown fields are ignored, because services are deployed separately."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Command(Message, Generic[R]):
    """A command: `command` is its name in the invocation, `result` the type of the result."""

    command: ClassVar[str]
    result: ClassVar[type[BaseModel]]


class Empty(Message):
    """The result of a command that returns nothing."""


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


class RebuildProgress(Message):
    """The number of products processed. To continue, pass `after` again; it is None at the end."""

    processed: int
    after: dict[str, str] | None = None


class RebuildReplica(Command[RebuildProgress]):
    """Rebuild cart's product replica. For operators (IAM only), after product events were lost for good."""

    command: ClassVar[str] = "rebuild_replica"
    result: ClassVar = RebuildProgress

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


class QuoteCart(Command[Quote]):
    """Price the owner's cart. Handled by cart. Rejected with `cart-empty`, `out-of-stock`, `invalid`."""

    command: ClassVar[str] = "quote"
    result: ClassVar = Quote

    user_id: str
    country: str
    shipping_address: ShippingAddress | None = None
    shipping_method: str | None = None


class OrderForPayment(Message):
    """An order and its payment: `payment_id` is the payment that paid it, `refunded` the amount refunded
    (minor units of the order's currency)."""

    order: OrderData
    version: int
    payment_id: str | None = None
    refunded: int = 0


class DescribeOrder(Command[OrderForPayment]):
    """Return the data of an order that payments needs. Handled by orders. Rejected with `not-found`."""

    command: ClassVar[str] = "describe"
    result: ClassVar = OrderForPayment

    order_id: str


class IssuedInvoice(Message):
    """A stored invoice: its number, and the PDF in base64."""

    invoice_number: str
    issued_at: datetime
    pdf: str


class FetchInvoice(Command[IssuedInvoice]):
    """Return a paid order's invoice; issue it if needed. Handled by orders. Rejected with `not-found`.

    With `invoice_number` and `issued_at` a stored invoice is returned without reading the order.
    """

    command: ClassVar[str] = "fetch_invoice"
    result: ClassVar = IssuedInvoice

    order_id: str
    invoice_number: str | None = None
    issued_at: datetime | None = None


class InvoiceLinks(Message):
    """Links to an invoice, valid for 15 minutes: `url` is the PDF, `html_url` the page."""

    invoice_number: str
    issued_at: datetime
    url: str
    html_url: str


class LocateInvoice(Command[InvoiceLinks]):
    """Like FetchInvoice, but return links for a browser. Rejected with `not-found`."""

    command: ClassVar[str] = "locate_invoice"
    result: ClassVar = InvoiceLinks

    order_id: str


class Guest(Message):
    user_id: str


class IdentifyGuest(Command[Guest]):
    """Return the guest whose access token this is. Handled by users. Rejected with `invalid` if the token
    is not a guest's, was altered, or has expired."""

    command: ClassVar[str] = "identify_guest"
    result: ClassVar = Guest

    token: str


class Account(Message):
    user_id: str
    roles: list[str]


class EnsureAccount(Command[Account]):
    """Create the account, or set the roles and the password of an existing one. For operators (IAM only)."""

    command: ClassVar[str] = "ensure_account"
    result: ClassVar = Account

    email: str
    password: str
    name: str
    roles: Annotated[list[str], Field(min_length=1)]
