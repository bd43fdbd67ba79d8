"""What the orders API takes."""

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

MAX_REASON_BYTES = 1_000  # fifty of them share a row with the order
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=SINGLE_LINE),
]


def _not_too_long(reason: str) -> str:
    if len(reason.encode()) > MAX_REASON_BYTES:
        raise ValueError(f"at most {MAX_REASON_BYTES:,} bytes of text")
    return reason


class PlaceOrder(Body):
    """A quote, or an address to which what is in the cart goes."""

    quote_token: Annotated[str, Field(min_length=1, max_length=700_000)] | None = None
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


class Pieces(Body):
    sku: Sku
    quantity: Quantity


Lines = Annotated[list[Pieces], Field(min_length=1, max_length=MAX_LINES)]


class Fulfil(Body):
    """A parcel with these lines, or with all that is left."""

    lines: Lines | None = None
    carrier: Words
    tracking: Words

    @property
    def pieces(self) -> list[tuple[str, int]] | None:
        return None if self.lines is None else [(line.sku, line.quantity) for line in self.lines]


class SetStatus(Body):
    """`shipped` ships all that is left; `carrier` and `tracking` are for it alone."""

    status: Literal["shipped", "delivered", "cancelled"]
    carrier: Words | None = None
    tracking: Words | None = None

    @model_validator(mode="after")
    def names_no_carrier_of_nothing(self) -> "SetStatus":
        if self.status != "shipped" and (self.carrier or self.tracking):
            raise ValueError("carrier and tracking belong to the status shipped")
        return self


class RequestReturn(Body):
    lines: Lines
    reason: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]+$"
        ),
        AfterValidator(_not_too_long),
    ]

    @property
    def pieces(self) -> list[tuple[str, int]]:
        return [(line.sku, line.quantity) for line in self.lines]


class DecideReturn(Body):
    """`received` refunds what was paid for the goods, or the lesser `refund`, and puts them back on sale
    unless `restock` is false."""

    status: Literal["approved", "rejected", "received"]
    restock: bool | None = None
    refund: Price | None = None

    @model_validator(mode="after")
    def refunds_what_arrived(self) -> "DecideReturn":
        if self.status != "received" and (self.restock is not None or self.refund is not None):
            raise ValueError("restock and refund belong to the status received")
        return self


class ListOrders(PageQuery):
    """Everybody's orders; `from` and `to` are times, or days as a whole, of being placed (UTC)."""

    status: Status | None = None
    user_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    number: Annotated[str, Field(min_length=11, max_length=11)] | None = None
    since: Annotated[date | datetime | None, Field(alias="from")] = None
    until: Annotated[date | datetime | None, Field(alias="to")] = None

    @property
    def period(self) -> Period:
        """Raises Invalid where it ends before it begins."""
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
