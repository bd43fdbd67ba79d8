"""Events of orders."""

from datetime import datetime
from typing import Literal

from shared.contracts.events.envelope import Event, EventData
from shared.values.money import Money


class OrderLineData(EventData):
    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Money
    line_total: Money


class OrderData(EventData):
    """An order. `number` is the order number that people use; `user_id` is the owner, who may be a guest.

    `reason` of a cancelled or expired order is a CancelReason.
    """

    order_id: str
    number: str
    user_id: str
    email: str
    status: str
    lines: list[OrderLineData]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    total: Money
    placed_at: datetime
    expires_at: datetime | None = None
    reason: str | None = None
    coupon: str | None = None


class OrderPlaced(Event):
    type: Literal["order.placed"] = "order.placed"
    data: OrderData


class OrderPaid(Event):
    type: Literal["order.paid"] = "order.paid"
    data: OrderData


class OrderCancelled(Event):
    type: Literal["order.cancelled"] = "order.cancelled"
    data: OrderData


class OrderExpired(Event):
    type: Literal["order.expired"] = "order.expired"
    data: OrderData


class LineQuantity(EventData):
    """A quantity of one order line, in a fulfilment or a return."""

    sku: str
    product_id: str
    title: str
    quantity: int


class FulfilmentData(EventData):
    """A fulfilment of an order. `fully_shipped`: it contains the last unshipped pieces.

    `capture_due` is the agreed price of everything shipped up to and including this fulfilment, after
    discount, with tax and shipping; it equals the order's total if `fully_shipped`. Up to this amount may be
    captured of `payment_id`.
    """

    order_id: str
    number: str
    user_id: str
    email: str
    fulfilment_id: str
    lines: list[LineQuantity]
    carrier: str | None = None
    tracking: str | None = None
    fully_shipped: bool
    payment_id: str | None = None
    capture_due: Money


class OrderShipped(Event):
    type: Literal["order.shipped"] = "order.shipped"
    data: FulfilmentData


class OrderDelivered(Event):
    type: Literal["order.delivered"] = "order.delivered"
    data: OrderData


class InvoiceData(OrderData):
    """An order and its invoice. Invoice numbers are unique and have no gaps within a year."""

    invoice_number: str
    issued_at: datetime


class OrderInvoiced(Event):
    type: Literal["order.invoiced"] = "order.invoiced"
    data: InvoiceData


class ReturnData(EventData):
    """A return. `status` is its current status; `refund` is 0 until the goods are received; `restock`: the
    goods can be sold again; `reason` is the customer's text."""

    order_id: str
    number: str
    user_id: str
    email: str
    return_id: str
    status: str
    lines: list[LineQuantity]
    restock: bool
    refund: Money
    reason: str


class OrderReturnDecided(Event):
    """Staff approved or rejected a return."""

    type: Literal["order.return_decided"] = "order.return_decided"
    data: ReturnData


class OrderReturned(Event):
    """The goods of a return were received."""

    type: Literal["order.returned"] = "order.returned"
    data: ReturnData


class RefundDueData(EventData):
    """An amount to refund. `refund_key` identifies the refund, so that repeated events refund once;
    `reason` is a RefundReason."""

    order_id: str
    payment_id: str
    amount: Money
    reason: str
    refund_key: str


class OrderRefundDue(Event):
    type: Literal["order.refund_due"] = "order.refund_due"
    data: RefundDueData
