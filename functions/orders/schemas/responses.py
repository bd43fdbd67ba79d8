"""The response models of orders' API."""

from collections import Counter
from datetime import datetime

from pydantic import RootModel

from orders.domain.fulfilling import fulfilled
from orders.domain.orders import Fulfilment, Order, Return
from orders.domain.returning import returned
from orders.domain.timeline import Entry
from orders.domain.transitions import ReturnStatus, Status
from shared.contracts.commands.invoices import InvoiceLinks
from shared.contracts.quotes import QuotedLine, ShippingAddress
from shared.http.paging import Page
from shared.http.routing import View
from shared.values.money import Money


class OrderLineView(View):
    """A line. `fulfilled` is the shipped quantity, `returned` the received one; `discount` and `tax` are the
    line's shares of the order's."""

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
    def of(
        cls, line: QuotedLine, shipped: Counter[str], received: Counter[str], zero: Money
    ) -> "OrderLineView":
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
            returned=received[line.sku],
        )


class PiecesView(View):
    """A number of pieces of an order's line."""

    sku: str
    quantity: int


class FulfilmentView(View):
    """A shipment of some of the order's pieces."""

    fulfilment_id: str
    lines: list[PiecesView]
    carrier: str | None
    tracking: str | None
    at: datetime

    @classmethod
    def of(cls, fulfilment: Fulfilment) -> "FulfilmentView":
        return cls(
            fulfilment_id=fulfilment.fulfilment_id,
            lines=[PiecesView(sku=sku, quantity=quantity) for sku, quantity in fulfilment.pieces.items()],
            carrier=fulfilment.carrier,
            tracking=fulfilment.tracking,
            at=fulfilment.at,
        )


class ReturnView(View):
    """A return. `restock` and `refund` are final once its status is `received`."""

    return_id: str
    order_id: str
    status: ReturnStatus
    lines: list[PiecesView]
    reason: str
    restock: bool
    refund: Money
    at: datetime

    @classmethod
    def of(cls, order: Order, return_: Return) -> "ReturnView":
        return cls(
            return_id=return_.return_id,
            order_id=order.order_id,
            status=return_.status,
            lines=[PiecesView(sku=sku, quantity=quantity) for sku, quantity in return_.pieces.items()],
            reason=return_.reason,
            restock=return_.restock,
            refund=Money(amount=return_.refund, currency=order.agreed_terms.total.currency),
            at=return_.at,
        )


class InvoiceView(View):
    """Links to an invoice: `url` (PDF) and `html_url` are valid for 15 minutes."""

    invoice_number: str
    issued_at: datetime
    url: str
    html_url: str

    @classmethod
    def of(cls, links: InvoiceLinks) -> "InvoiceView":
        return cls(**links.model_dump())


class OrderView(View):
    """An order. `number` is the order number that people use; `reason` says why it was cancelled or expired;
    `refunded` is the refunded amount so far."""

    order_id: str
    number: str
    user_id: str
    status: Status
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
        terms = order.agreed_terms
        shipped, received = fulfilled(order), returned(order)
        zero = Money.zero(terms.total.currency)
        return cls(
            order_id=order.order_id,
            number=order.number,
            user_id=order.user_id,
            status=order.status,
            lines=[OrderLineView.of(line, shipped, received, zero) for line in terms.lines],
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
            fulfilments=[FulfilmentView.of(fulfilment) for fulfilment in order.fulfilments],
            returns=[ReturnView.of(order, return_) for return_ in order.returns],
            version=order.version,
        )


class OrderPage(Page[OrderView]):
    """A page of orders, newest first."""


class EntryView(View):
    """An entry of an order's timeline. `actor` is a user id, `system` or `stripe`; `detail` is a
    technical text of amounts, ids and codes."""

    at: datetime
    type: str
    actor: str
    detail: str

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        return cls(at=entry.at, type=entry.type.value, actor=entry.actor, detail=entry.detail)


class Timeline(RootModel, defer_build=True):  # type: ignore[type-arg] # RootModel[…] would be built at once
    """The entries of an order's timeline, oldest first."""

    root: list[EntryView]
