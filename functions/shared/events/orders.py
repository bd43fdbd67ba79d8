"""What orders says."""

from datetime import datetime
from typing import Literal

from shared.events.envelope import Event, Fact
from shared.money import Money


class OrderLineFacts(Fact):
    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Money
    line_total: Money


class OrderFacts(Fact):
    """An order as others need to know it. `number` is what people call it by; `user_id` is the owner, a
    guest's id included."""

    order_id: str
    number: str
    user_id: str
    email: str
    status: str
    lines: list[OrderLineFacts]
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
    data: OrderFacts


class OrderPaid(Event):
    type: Literal["order.paid"] = "order.paid"
    data: OrderFacts


class OrderCancelled(Event):
    type: Literal["order.cancelled"] = "order.cancelled"
    data: OrderFacts


class OrderExpired(Event):
    type: Literal["order.expired"] = "order.expired"
    data: OrderFacts


class PiecesFacts(Fact):
    """So many of an order's line: in a parcel, or on their way back."""

    sku: str
    product_id: str
    title: str
    quantity: int


class ShipmentFacts(Fact):
    """One parcel of an order. `complete`: nothing of the order is left to ship.

    `due_so_far` is what was agreed for all that has left with this parcel, less discount, with tax and
    delivery in it: all of the total when it is complete. So much may be captured of `payment_id`.
    """

    order_id: str
    number: str
    user_id: str
    email: str
    fulfilment_id: str
    lines: list[PiecesFacts]
    carrier: str | None = None
    tracking: str | None = None
    complete: bool
    payment_id: str | None = None
    due_so_far: Money


class OrderShipped(Event):
    type: Literal["order.shipped"] = "order.shipped"
    data: ShipmentFacts


class OrderDelivered(Event):
    type: Literal["order.delivered"] = "order.delivered"
    data: OrderFacts


class InvoiceFacts(Fact):
    """An invoice with its number, which no other has and before which none is missing in its year."""

    order_id: str
    number: str
    user_id: str
    email: str
    invoice_number: str
    issued_at: datetime
    total: Money


class OrderInvoiced(Event):
    type: Literal["order.invoiced"] = "order.invoiced"
    data: InvoiceFacts


class ReturnFacts(Fact):
    """Goods that come back. `status` as the return has it now; `refund` is what they bring, nothing before
    they are received; `restock`: they can be sold again."""

    order_id: str
    number: str
    user_id: str
    email: str
    return_id: str
    status: str
    lines: list[PiecesFacts]
    restock: bool
    refund: Money
    reason: str


class OrderReturnDecided(Event):
    """Staff approved or rejected a return."""

    type: Literal["order.return_decided"] = "order.return_decided"
    data: ReturnFacts


class OrderReturned(Event):
    """The goods of a return arrived."""

    type: Literal["order.returned"] = "order.returned"
    data: ReturnFacts


class RefundDueFacts(Fact):
    """Money to give back. `refund_key` is the same however often it is asked, so it is given once."""

    order_id: str
    payment_id: str
    amount: Money
    reason: str
    refund_key: str


class OrderRefundDue(Event):
    type: Literal["order.refund_due"] = "order.refund_due"
    data: RefundDueFacts
