"""Quotes: priced carts, signed by cart and verified by orders without a call."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from shared.contracts.problems import QuoteExpired
from shared.errors import Invalid
from shared.models import Model
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
MAX_LINES = 1_000  # lines per cart and order; its row must stay under 400 KB


class ShippingAddress(Model):
    """The address to which an order is shipped."""

    model_config = ConfigDict(extra="forbid", strict=True)

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


class QuotedLine(Model):
    """A line of a quote: `line_total` is `quantity` times `unit_price`.

    `discount` is the line's share of the quote's discount. `tax` is the tax on the discounted total; the
    total contains it if prices include tax. None is zero.
    """

    sku: Sku
    product_id: str
    title: str
    quantity: Quantity
    unit_price: Price
    line_total: Money
    discount: Money | None = None
    tax: Money | None = None


class CouponLimits(Model):
    """The number of times the quote's coupon may be redeemed, in total and per user; None is unlimited."""

    overall: Annotated[int, Field(ge=1)] | None = None
    per_user: Annotated[int, Field(ge=1)] | None = None


class Quote(Model):
    """A priced cart, all in one currency: total = subtotal - discount + shipping, plus tax unless prices
    include it.

    The lines' discounts add up to `discount`; their taxes and `shipping_tax` add up to `tax`.
    `cart_version` is the version that was priced. `quote_id` identifies the quote, so that it creates one
    order even if it is sent twice. `coupon_limits` are checked when the order redeems the coupon.
    """

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
    """Return the quote as a compact JWS (RFC 7515, HS256)."""
    import jwt  # here, because most functions and requests do without it

    claims = {
        "aud": "orders",
        "exp": clock.epoch(quote.expires_at),
        "quote": quote.model_dump(mode="json", exclude_none=True),
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM)


def read(token: str, key: str, now: datetime) -> Quote:
    """Return the quote of a token. Raises QuoteExpired, or Invalid if cart did not sign the token."""
    import jwt  # here, because most functions and requests do without it

    try:
        # The library would compare `exp` with its own clock instead of `now`.
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience="orders",
            options={"verify_exp": False, "require": ["exp"]},
        )
    except jwt.InvalidTokenError as error:
        detail = "This is not a quote of this shop; request one with POST /cart/quote."
        raise Invalid(detail, errors=[{"pointer": "/quote_token", "detail": detail}]) from error
    if claims["exp"] <= clock.epoch(now):
        raise QuoteExpired("The quote has expired; request a new one with POST /cart/quote.")
    return Quote.model_validate(claims["quote"])
