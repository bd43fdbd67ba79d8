"""The request models of orders' API."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from orders.domain.orders import Period
from orders.domain.transitions import Status
from shared.contracts.quotes import MAX_LINES, Quantity, ShippingAddress, Sku
from shared.errors import invalid
from shared.http.paging import PageQuery
from shared.http.routing import Body
from shared.values.email_address import Email
from shared.values.money import Price
from shared.values.text import SINGLE_LINE
from shared.values.timestamps import DayOrTime

MAX_REASON_BYTES = 1_000  # bytes; up to 50 returns share the order's row
ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=SINGLE_LINE),
]


def _check_length(reason: str) -> str:
    if len(reason.encode()) > MAX_REASON_BYTES:
        raise ValueError(f"at most {MAX_REASON_BYTES:,} bytes of text")
    return reason


class PlaceOrder(Body):
    """Either a quote, or an address for an order of the cart at its current prices."""

    quote_token: Annotated[str, Field(min_length=1, max_length=700_000)] | None = None
    shipping_address: ShippingAddress | None = None
    shipping_method: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def check_source(self) -> "PlaceOrder":
        if self.quote_token is None and self.shipping_address is None:
            raise ValueError("send a quote_token, or a shipping_address to order the cart")
        if self.quote_token is not None and self.shipping_method is not None:
            raise ValueError("the quote already has a shipping method; request a new quote to change it")
        return self


class Pieces(Body):
    """A number of pieces of an order's line."""

    sku: Sku
    quantity: Quantity


Lines = Annotated[list[Pieces], Field(min_length=1, max_length=MAX_LINES)]


class FulfilOrder(Body):
    """A fulfilment of these lines, or without `lines` of all unshipped pieces."""

    lines: Lines | None = None
    carrier: ShortText
    tracking: ShortText

    @property
    def pieces(self) -> list[tuple[str, int]] | None:
        return None if self.lines is None else [(line.sku, line.quantity) for line in self.lines]


class SetOrderStatus(Body):
    """The new status. `shipped` ships all unshipped pieces and accepts `carrier` and `tracking`."""

    status: Literal["shipped", "delivered", "cancelled"]
    carrier: ShortText | None = None
    tracking: ShortText | None = None

    @model_validator(mode="after")
    def check_carrier(self) -> "SetOrderStatus":
        if self.status != "shipped" and (self.carrier or self.tracking):
            raise ValueError("carrier and tracking require the status shipped")
        return self


class RequestReturn(Body):
    """The pieces to return, and why."""

    lines: Lines
    reason: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]+$"
        ),
        AfterValidator(_check_length),
    ]

    @property
    def pieces(self) -> list[tuple[str, int]]:
        return [(line.sku, line.quantity) for line in self.lines]


class DecideReturn(Body):
    """The new status. `received` refunds the price of the goods, or the lower `refund`, and restocks them
    unless `restock` is false."""

    status: Literal["approved", "rejected", "received"]
    restock: bool | None = None
    refund: Price | None = None

    @model_validator(mode="after")
    def check_refund(self) -> "DecideReturn":
        if self.status != "received" and (self.restock is not None or self.refund is not None):
            raise ValueError("restock and refund require the status received")
        return self


class ListOrders(PageQuery):
    """Filters of all orders. `from` and `to` are inclusive times or whole days (UTC) of placement."""

    status: Status | None = None
    user_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    number: Annotated[str, Field(min_length=11, max_length=11)] | None = None
    since: Annotated[DayOrTime | None, Field(alias="from")] = None
    until: Annotated[DayOrTime | None, Field(alias="to")] = None

    @property
    def period(self) -> Period:
        """The period of placement. Raises Invalid if it ends before it begins."""
        period = Period(_moment(self.since, time.min), _moment(self.until, time.max))
        if period.since and period.until and period.until < period.since:
            raise invalid("/query/to", "The period ends before it begins.")
        return period


def _moment(value: date | datetime | None, of_day: time) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        value = datetime.combine(value, of_day)
    return value if value.tzinfo else value.replace(tzinfo=UTC)
