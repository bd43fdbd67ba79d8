"""What the orders API gives."""

from collections import Counter
from datetime import datetime

from pydantic import RootModel

from orders.domain.fulfilling import fulfilled
from orders.domain.orders import Fulfilment, Order, Return
from orders.domain.returning import returned
from orders.domain.timeline import Entry
from shared.contracts.commands import InvoiceLinks
from shared.contracts.quotes import QuotedLine, ShippingAddress
from shared.http.paging import Page
from shared.http.routing import View
from shared.values.money import Money


class OrderLineView(View):
    """`fulfilled` pieces were shipped, `returned` came back; `discount` and `tax` are the line's shares."""

    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Money
    line_total: Money
    discount: Money
    tax: Money
    fulfilled: int
    returned: int

    @classmethod
    def of(cls, line: QuotedLine, shipped: Counter[str], back: Counter[str]) -> "OrderLineView":
        zero = Money.zero(line.line_total.currency)
        return cls(
            sku=line.sku,
            product_id=line.product_id,
            title=line.title,
            quantity=line.quantity,
            unit_price=Money(amount=line.unit_price.amount, currency=line.unit_price.currency),
            line_total=line.line_total,
            discount=line.discount or zero,
            tax=line.tax or zero,
            fulfilled=shipped[line.sku],
            returned=back[line.sku],
        )


class PiecesView(View):
    sku: str
    quantity: int


class FulfilmentView(View):
    fulfilment_id: str
    lines: list[PiecesView]
    carrier: str | None
    tracking: str | None
    at: datetime

    @classmethod
    def of(cls, parcel: Fulfilment) -> "FulfilmentView":
        return cls(
            fulfilment_id=parcel.fulfilment_id,
            lines=[PiecesView(sku=sku, quantity=quantity) for sku, quantity in parcel.pieces.items()],
            carrier=parcel.carrier,
            tracking=parcel.tracking,
            at=parcel.at,
        )


class ReturnView(View):
    """`restock` and `refund` (what is given back) are known once it is received."""

    return_id: str
    order_id: str
    status: str
    lines: list[PiecesView]
    reason: str
    restock: bool
    refund: Money
    at: datetime

    @classmethod
    def of(cls, order: Order, made: Return) -> "ReturnView":
        return cls(
            return_id=made.return_id,
            order_id=order.order_id,
            status=made.status.value,
            lines=[PiecesView(sku=sku, quantity=quantity) for sku, quantity in made.pieces.items()],
            reason=made.reason,
            restock=made.restock,
            refund=Money(amount=made.refund, currency=order.agreed.total.currency),
            at=made.at,
        )


class InvoiceView(View):
    """`url` (PDF) and `html_url` work for 15 minutes; ask again for new ones."""

    invoice_number: str
    issued_at: datetime
    url: str
    html_url: str

    @classmethod
    def of(cls, links: InvoiceLinks) -> "InvoiceView":
        return cls(**links.model_dump())


class OrderView(View):
    """An order. `number` is what people call it by; `refunded` is what went back of its payment so far."""

    order_id: str
    number: str
    user_id: str
    status: str
    lines: list[OrderLineView]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    tax_inclusive: bool
    total: Money
    refunded: Money
    coupon: str | None
    shipping_method: str
    shipping_address: ShippingAddress
    email: str
    placed_at: datetime
    expires_at: datetime | None
    payment_id: str | None
    invoice_number: str | None
    reason: str | None
    fulfilments: list[FulfilmentView]
    returns: list[ReturnView]
    version: int

    @classmethod
    def of(cls, order: Order) -> "OrderView":
        terms = order.agreed
        shipped, back = fulfilled(order), returned(order)
        return cls(
            order_id=order.order_id,
            number=order.number,
            user_id=order.user_id,
            status=order.status.value,
            lines=[OrderLineView.of(line, shipped, back) for line in terms.lines],
            subtotal=terms.subtotal,
            discount=terms.discount,
            shipping=terms.shipping,
            tax=terms.tax,
            tax_inclusive=terms.tax_inclusive,
            total=terms.total,
            refunded=Money(amount=order.refunded, currency=terms.total.currency),
            coupon=terms.coupon,
            shipping_method=terms.shipping_method,
            shipping_address=terms.shipping_address,
            email=terms.email,
            placed_at=terms.placed_at,
            expires_at=order.expires_at,
            payment_id=order.payment_id,
            invoice_number=order.invoice.number if order.invoice else None,
            reason=order.reason,
            fulfilments=[FulfilmentView.of(parcel) for parcel in order.fulfilments],
            returns=[ReturnView.of(order, made) for made in order.returns],
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
        return cls(at=entry.at, type=entry.type.value, actor=entry.actor, detail=entry.detail)


class Timeline(RootModel[list[EntryView]]):
    """Every change, oldest first."""
