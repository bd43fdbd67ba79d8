"""A quote: what a cart costs, signed by cart, honoured by orders, needing neither to ask the other."""

from datetime import datetime
from typing import Annotated

import jwt
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.problems import QuoteExpired
from shared.errors import Invalid
from shared.runtime import clock
from shared.values.countries import Country
from shared.values.money import Money, Price
from shared.values.text import SINGLE_LINE

ALGORITHM = "HS256"
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=SINGLE_LINE)
]
Quantity = Annotated[int, Field(ge=1, le=9_999)]
MAX_LINES = 1_000


class ShippingAddress(BaseModel):
    """Where the parcel goes; `country` is ISO 3166-1 alpha-2."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Line
    line1: Line
    line2: Line | None = None
    city: Line
    region: Line | None = None
    postal_code: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20, pattern=SINGLE_LINE)
    ]
    country: Country
    phone: Annotated[str, StringConstraints(pattern=r"^\+?[0-9 ()-]{5,30}$")] | None = None


class QuotedLine(BaseModel):
    """One line: `line_total` is quantity times unit price. `discount` is the line's share of the quote's
    discount, `tax` the tax on what remains (in it where prices include it); None is nothing."""

    model_config = ConfigDict(frozen=True)

    sku: Sku
    product_id: str
    title: str
    quantity: Quantity
    unit_price: Price
    line_total: Money
    discount: Money | None = None
    tax: Money | None = None


class CouponLimits(BaseModel):
    """How often the quote's coupon may be redeemed, in all and by one shopper; None is without end."""

    model_config = ConfigDict(frozen=True)

    overall: Annotated[int, Field(ge=1)] | None = None
    per_user: Annotated[int, Field(ge=1)] | None = None


class Quote(BaseModel):
    """A priced cart. total = subtotal - discount + shipping + (tax, where prices exclude it); one currency.

    The lines' discounts add up to `discount`, their taxes and delivery's (`shipping_tax`) to `tax`.
    `cart_version` is the cart's when it was priced; `quote_id` makes one order of one quote, however often
    it is sent. `coupon_limits` is what redeeming its coupon is held to: the quote alone says enough.
    """

    model_config = ConfigDict(frozen=True)

    quote_id: str
    user_id: str
    lines: Annotated[list[QuotedLine], Field(min_length=1, max_length=MAX_LINES)]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    total: Money
    tax_inclusive: bool = True
    shipping_tax: Money | None = None
    country: Country
    shipping_method: str
    shipping_address: ShippingAddress | None = None
    coupon: str | None = None
    coupon_limits: CouponLimits | None = None
    cart_version: int
    expires_at: datetime


def sign(quote: Quote, key: str) -> str:
    """The quote as a compact JWS (RFC 7515, HS256): self-contained and tamper-evident."""
    claims = {
        "aud": "orders",
        "exp": clock.epoch(quote.expires_at),
        "quote": quote.model_dump(mode="json", exclude_none=True),
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM)


def read(token: str, key: str, now: datetime) -> Quote:
    """The quote in a token. Raises QuoteExpired, or Invalid where it is not one that cart signed."""
    try:
        # Time is handed in, so `exp` is compared here and not by the library's own clock.
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience="orders",
            options={"verify_exp": False, "require": ["exp"]},
        )
    except jwt.InvalidTokenError as error:
        detail = "This is not a quote of this shop; ask for one with POST /cart/quote."
        raise Invalid(detail, errors=[{"pointer": "/quote_token", "detail": detail}]) from error
    if claims["exp"] <= clock.epoch(now):
        raise QuoteExpired("The quote has expired; ask for a new one with POST /cart/quote.")
    return Quote.model_validate(claims["quote"])
