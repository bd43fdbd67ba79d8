"""What the cart's API takes and gives."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from cart.domain import Cart, Line, Offer, Priced, Rate, ShippingMethod, TaxRate
from shared.http import Body, View
from shared.money import BASIS_POINTS, Money
from shared.quotes import Country, Quantity, QuotedLine, ShippingAddress, Sku

# Names end in mails and on invoices: no control characters.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"),
]
Destination = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|\*)$")]


class AddItem(Body):
    sku: Sku
    quantity: Quantity


class SetItem(Body):
    """0 removes."""

    quantity: Annotated[int, Field(ge=0, le=9_999)]


class RequestQuote(Body):
    """Either of `shipping_address` and `country`."""

    shipping_address: ShippingAddress | None = None
    country: Country | None = None
    shipping_method: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None

    @model_validator(mode="after")
    def _one_destination(self) -> "RequestQuote":
        if (self.shipping_address is None) == (self.country is None):
            raise ValueError("send either shipping_address or country")
        return self

    @property
    def destination(self) -> str:
        return self.shipping_address.country if self.shipping_address else self.country or ""


class PutShippingMethod(Body):
    name: Name
    countries: Annotated[list[Destination], Field(min_length=1, max_length=250)]
    rates: Annotated[list[Rate], Field(min_length=1, max_length=20)]

    @field_validator("rates")
    @classmethod
    def _tiers_differ(cls, rates: list[Rate]) -> list[Rate]:
        if len({(rate.min_subtotal.currency, rate.min_subtotal.amount) for rate in rates}) < len(rates):
            raise ValueError("two rates begin at the same min_subtotal")
        return rates


class PutTaxRate(Body):
    rate_bp: Annotated[int, Field(ge=0, le=BASIS_POINTS)]
    inclusive: bool


class CartItemView(View):
    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Money
    line_total: Money
    available: int

    @classmethod
    def of(cls, line: Line) -> "CartItemView":
        return cls(
            sku=line.sku,
            product_id=line.product_id,
            title=line.title,
            quantity=line.quantity,
            unit_price=line.unit_price,
            line_total=line.line_total,
            available=line.available,
        )


class CartView(View):
    """`item_count` counts pieces; `expires_at` is set for guests."""

    cart_id: str
    items: list[CartItemView]
    item_count: int
    subtotal: Money
    coupon: str | None = None
    version: int
    expires_at: datetime | None

    @classmethod
    def of(cls, cart: Cart) -> "CartView":
        return cls(
            # An owner has one cart: its id is the owner's under another prefix.
            cart_id="crt_" + cart.owner.partition("_")[2],
            items=[CartItemView.of(line) for line in cart.lines.values()],
            item_count=cart.item_count,
            subtotal=cart.subtotal,
            version=cart.version,
            expires_at=cart.expires_at,
        )


class OfferView(View):
    method: str
    name: str
    price: Money

    @classmethod
    def of(cls, offer: Offer) -> "OfferView":
        return cls(method=offer.method, name=offer.name, price=offer.price)


class QuoteView(View):
    """total = subtotal - discount + shipping, plus tax unless `tax_inclusive`."""

    quote_token: str
    quote_id: str
    expires_at: datetime
    lines: list[QuotedLine]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    tax_inclusive: bool
    total: Money
    country: str
    shipping_method: str
    shipping_methods: list[OfferView]
    shipping_address: ShippingAddress | None
    coupon: str | None
    cart_version: int

    @classmethod
    def of(cls, priced: Priced, token: str) -> "QuoteView":
        quote = priced.quote
        return cls(
            quote_token=token,
            quote_id=quote.quote_id,
            expires_at=quote.expires_at,
            lines=quote.lines,
            subtotal=quote.subtotal,
            discount=quote.discount,
            shipping=quote.shipping,
            tax=quote.tax,
            tax_inclusive=priced.tax_inclusive,
            total=quote.total,
            country=quote.country,
            shipping_method=quote.shipping_method,
            shipping_methods=[OfferView.of(offer) for offer in priced.offers],
            shipping_address=quote.shipping_address,
            coupon=quote.coupon,
            cart_version=quote.cart_version,
        )


class ShippingMethodView(View):
    method: str
    name: str
    countries: list[str]
    rates: list[Rate]
    version: int

    @classmethod
    def of(cls, method: ShippingMethod) -> "ShippingMethodView":
        return cls(**dict(method))


class TaxRateView(View):
    country: str
    rate_bp: int
    inclusive: bool
    version: int

    @classmethod
    def of(cls, rate: TaxRate) -> "TaxRateView":
        return cls(**dict(rate))
