"""What the orders API takes and gives."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, RootModel, StringConstraints, model_validator

from orders.domain import Entry, Order, Terms
from shared.http import Body, View
from shared.money import Money
from shared.paging import Page
from shared.quotes import QuotedLine, ShippingAddress

# No control characters: it ends in a mail's header.
Email = Annotated[
    str,
    StringConstraints(
        max_length=254,
        pattern=r"^[^\s\x00-\x1f\x7f@<>\"(),:;\\\[\]]{1,64}@[^\s\x00-\x1f\x7f@]{1,185}\.[^\s\x00-\x1f\x7f@.]{2,63}$",
    ),
]


class PlaceOrder(Body):
    """A quote, or an address to which what is in the cart goes."""

    quote_token: Annotated[str, Field(min_length=1, max_length=500_000)] | None = None
    shipping_address: ShippingAddress | None = None
    shipping_method: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def says_what_to_order(self) -> "PlaceOrder":
        if self.quote_token is None and self.shipping_address is None:
            raise ValueError("send a quote_token, or a shipping_address for what is in the cart")
        if self.quote_token is not None and self.shipping_method is not None:
            raise ValueError("the quote has its shipping method; ask for a new quote to change it")
        return self


class OrderLineView(View):
    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Money
    line_total: Money
    fulfilled: int
    returned: int

    @classmethod
    def of(cls, line: QuotedLine) -> "OrderLineView":
        return cls(
            **line.model_dump(exclude={"unit_price"}), unit_price=_money(line), fulfilled=0, returned=0
        )


class FulfilmentView(View):
    lines: list[OrderLineView]
    carrier: str
    tracking: str
    at: datetime


class ReturnView(View):
    return_id: str
    status: str


class OrderView(View):
    """An order. Fulfilments and returns are empty until there are any."""

    order_id: str
    status: str
    lines: list[OrderLineView]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    total: Money
    coupon: str | None
    shipping_method: str
    shipping_address: ShippingAddress
    email: str
    placed_at: datetime
    expires_at: datetime | None
    payment_id: str | None
    fulfilments: list[FulfilmentView]
    returns: list[ReturnView]
    version: int

    @classmethod
    def of(cls, order: Order) -> "OrderView":
        terms = _terms(order)
        return cls(
            order_id=order.order_id,
            status=order.status.value,
            lines=[OrderLineView.of(line) for line in terms.lines],
            subtotal=terms.subtotal,
            discount=terms.discount,
            shipping=terms.shipping,
            tax=terms.tax,
            total=terms.total,
            coupon=terms.coupon,
            shipping_method=terms.shipping_method,
            shipping_address=terms.shipping_address,
            email=terms.email,
            placed_at=terms.placed_at,
            expires_at=order.expires_at,
            payment_id=order.payment_id,
            fulfilments=[],
            returns=[],
            version=order.version,
        )


class OrderPage(Page[OrderView]):
    """A page of orders, newest first."""


class EntryView(View):
    """A change: when, what, by whom (`system`, `stripe`, or a user's id), and what there is to say of it."""

    at: datetime
    type: str
    actor: str
    detail: str

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        return cls(at=entry.at, type=entry.type, actor=entry.actor, detail=entry.detail)


class Timeline(RootModel[list[EntryView]]):
    """Every change, oldest first."""


def _terms(order: Order) -> Terms:
    if order.terms is None:
        raise ValueError(f"{order.order_id} has not been placed")
    return order.terms


def _money(line: QuotedLine) -> Money:
    return Money(amount=line.unit_price.amount, currency=line.unit_price.currency)
