"""What services say to each other: CloudEvents 1.0 in JSON, each type a frozen model."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from shared.money import Money


class Fact(BaseModel):
    """Data of an event. Consumers ignore fields that are new to them."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Fact):
    """The envelope (CloudEvents 1.0, https://github.com/cloudevents/spec).

    `id` is derived from the row's key and version, so that saying it twice says the same; `sequence` grows
    per `subject`, so that a consumer can tell what is newer. An order's counts its events one by one: who
    hears them all can tell that one is missing.
    """

    TYPES: ClassVar[dict[str, type["Event"]]] = {}

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    time: datetime
    subject: str
    datacontenttype: Literal["application/json"] = "application/json"
    sequence: int
    requestid: str | None = None
    traceparent: str | None = None
    data: Any

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        Event.TYPES[cls.kind()] = cls

    @classmethod
    def kind(cls) -> str:
        """The event's type, such as `order.paid`."""
        return str(cls.model_fields["type"].default)

    @classmethod
    def about(
        cls,
        data: Fact,
        *,
        subject: str,
        version: int,
        at: datetime,
        part: str = "",
        request_id: str | None = None,
    ) -> "Event":
        """The event that says `data` of `subject` at its `version` (`part`: of several it says)."""
        kind = cls.kind()
        suffix = f".{part}" if part else ""
        return cls(
            id=f"{subject}.{version}.{kind}{suffix}",
            source=f"/tillstack/{kind.partition('.')[0]}",
            type=kind,
            time=at,
            subject=subject,
            sequence=version,
            requestid=request_id,
            data=data,
        )


def read_event(message: Mapping[str, Any]) -> Event:
    """The typed event of a message. Raises KeyError (unknown type) or ValidationError (wrong shape)."""
    return Event.TYPES[message["type"]].model_validate(message)


class UserFacts(Fact):
    user_id: str
    email: str
    name: str


class UserRegistered(Event):
    type: Literal["user.registered"] = "user.registered"
    data: UserFacts


class ProductFacts(Fact):
    """A product's variant as a cart needs to know it. `version` grows with every change of the variant.

    `available` is exact where it is below 100 and was true when said where it is above: beyond that,
    movements of stock are no news. `category_ids`: coupons may be for some categories alone.
    """

    product_id: str
    sku: str
    title: str
    unit_price: Money
    available: int
    active: bool
    version: int
    category_ids: list[str] = []


class ProductChanged(Event):
    type: Literal["product.changed"] = "product.changed"
    data: ProductFacts


class ProductArchived(Event):
    type: Literal["product.archived"] = "product.archived"
    data: ProductFacts


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
    """One parcel of an order. `complete`: nothing of the order is left to ship."""

    order_id: str
    number: str
    user_id: str
    email: str
    fulfilment_id: str
    lines: list[PiecesFacts]
    carrier: str | None = None
    tracking: str | None = None
    complete: bool


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


class PaymentFacts(Fact):
    """A payment of an order. `reason` says why it failed, for the shopper; `refunded` what went back in all,
    `given_back` what went back with this change."""

    payment_id: str
    order_id: str
    user_id: str
    email: str
    amount: Money
    refunded: Money
    status: str
    reason: str | None = None
    given_back: Money | None = None


class PaymentSucceeded(Event):
    type: Literal["payment.succeeded"] = "payment.succeeded"
    data: PaymentFacts


class PaymentFailed(Event):
    type: Literal["payment.failed"] = "payment.failed"
    data: PaymentFacts


class PaymentRefunded(Event):
    type: Literal["payment.refunded"] = "payment.refunded"
    data: PaymentFacts


SAID_BY: dict[str, tuple[type[Event], ...]] = {
    "users": (UserRegistered,),
    "catalog": (ProductChanged, ProductArchived),
    "orders": (
        OrderPlaced,
        OrderPaid,
        OrderInvoiced,
        OrderCancelled,
        OrderExpired,
        OrderShipped,
        OrderDelivered,
        OrderReturnDecided,
        OrderReturned,
        OrderRefundDue,
    ),
    "payments": (PaymentSucceeded, PaymentFailed, PaymentRefunded),
}
