"""The request and response models of cart."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from cart.domain.carts import Change, Line
from cart.domain.pricing import PricedCart, PricedQuote, TaxRate
from cart.domain.promotions import Coupon, Kind, Reason, Terms
from cart.domain.shipping import Offer, Rate, ShippingMethod
from shared.contracts.quotes import Quantity, QuotedLine, ShippingAddress, Sku
from shared.http.routing import Body, View
from shared.values.countries import Country
from shared.values.money import BASIS_POINTS, Money, Price, chargeable
from shared.values.text import SINGLE_LINE

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=SINGLE_LINE),
]
Destination = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|\*)$")]


class AddCartItem(Body):
    """The pieces to add; a line that exists gets more."""

    sku: Sku
    quantity: Quantity


class SetCartItem(Body):
    """The new quantity of a line; 0 removes the line."""

    quantity: Annotated[int, Field(ge=0, le=9_999)]


class PutCouponOnCart(Body):
    """The coupon to put on the cart; `code` is not case-sensitive."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class MergeCarts(Body):
    """The guest's access token, which identifies the cart to merge."""

    guest_token: Annotated[str, StringConstraints(min_length=1, max_length=4_096)]


class RequestQuote(Body):
    """Send either `shipping_address` or `country`. Without `shipping_method`, the cheapest is chosen."""

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
    """The terms of a shipping method. `countries` may be `*` for all; each of the `rates` applies from its
    `min_subtotal` on."""

    name: Name
    countries: Annotated[list[Destination], Field(min_length=1, max_length=250)]
    rates: Annotated[list[Rate], Field(min_length=1, max_length=20)]

    @field_validator("rates")
    @classmethod
    def _distinct_chargeable_tiers(cls, rates: list[Rate]) -> list[Rate]:
        for rate in rates:
            chargeable(rate.price)
        if len({(rate.min_subtotal.currency, rate.min_subtotal.amount) for rate in rates}) < len(rates):
            raise ValueError("each rate must have a different min_subtotal")
        return rates


class PutTaxRate(Body):
    """The tax rate of a country."""

    rate_bp: Annotated[int, Field(ge=0, le=BASIS_POINTS)]
    inclusive: bool


class NewTerms(Terms):
    """Terms in a request: their amounts must be chargeable."""

    @field_validator("value", "min_subtotal")
    @classmethod
    def _chargeable(cls, value: int | Price | None) -> int | Price | None:
        return chargeable(value) if isinstance(value, Price) else value


class ReplaceCoupon(NewTerms):
    """The coupon's new terms. `code` is optional and must equal the code in the path."""

    code: str | None = None


class CreateCoupon(NewTerms):
    """A new coupon. `code` is not case-sensitive; it is stored in capitals."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{3,40}$", to_upper=True)]


class CartItemView(View):
    """A line. `change` is the change of the product since the shopper last changed the line.

    `available` is 0 if the product is gone.
    """

    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Money
    line_total: Money
    available: int
    change: Change | None
    previous_unit_price: Money | None

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
            change=line.change,
            previous_unit_price=line.previous_unit_price,
        )


class CartView(View):
    """A cart. `item_count` is the sum of the quantities; `expires_at` is null except for guests.

    `coupon_reason` is the reason why the cart's coupon does not apply now; `discount` is then 0.
    """

    cart_id: str
    items: list[CartItemView]
    item_count: int
    subtotal: Money
    coupon: str | None
    discount: Money
    coupon_reason: Reason | None
    version: int
    expires_at: datetime | None

    @classmethod
    def of(cls, priced: PricedCart) -> "CartView":
        cart = priced.cart
        return cls(
            # An owner has one cart, so its id is the owner's with another prefix.
            cart_id="crt_" + cart.owner.partition("_")[2],
            items=[CartItemView.of(line) for line in cart.lines.values()],
            item_count=cart.item_count,
            subtotal=cart.subtotal,
            coupon=cart.coupon,
            discount=priced.discount,
            coupon_reason=priced.ineligible.reason if priced.ineligible else None,
            version=cart.version,
            expires_at=cart.expires_at,
        )


class OfferView(View):
    """A shipping method with its price for the cart."""

    method: str
    name: str
    price: Money

    @classmethod
    def of(cls, offer: Offer) -> "OfferView":
        return cls(method=offer.method, name=offer.name, price=offer.price)


class QuoteView(View):
    """A quote. total = subtotal - discount + shipping, plus tax unless `tax_inclusive`.

    The lines' taxes and `shipping_tax` add up to `tax`. `coupon_reason` is why the cart's coupon does not
    apply.
    """

    quote_token: str
    quote_id: str
    expires_at: datetime
    lines: list[QuotedLine]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    shipping_tax: Money | None
    tax_inclusive: bool
    total: Money
    country: str
    shipping_method: str
    shipping_methods: list[OfferView]
    shipping_address: ShippingAddress | None
    coupon: str | None
    coupon_reason: Reason | None
    cart_version: int

    @classmethod
    def of(cls, priced: PricedQuote, token: str) -> "QuoteView":
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
            shipping_tax=quote.shipping_tax,
            tax_inclusive=quote.tax_inclusive,
            total=quote.total,
            country=quote.country,
            shipping_method=quote.shipping_method,
            shipping_methods=[OfferView.of(offer) for offer in priced.offers],
            shipping_address=quote.shipping_address,
            coupon=quote.coupon,
            coupon_reason=priced.ineligible.reason if priced.ineligible else None,
            cart_version=quote.cart_version,
        )


class CouponView(View):
    """A coupon. `used` is the number of orders that use it; it may lag by seconds."""

    code: str
    kind: Kind
    value: int | Money | None
    min_subtotal: Money | None
    starts_at: datetime | None
    ends_at: datetime | None
    usage_limit: int | None
    per_user_limit: int | None
    category_ids: list[str]
    skus: list[str]
    used: int
    version: int

    @classmethod
    def of(cls, coupon: Coupon) -> "CouponView":
        terms = {name: getattr(coupon.terms, name) for name in Terms.model_fields}
        return cls(code=coupon.code, **terms, used=coupon.used, version=coupon.version)


class ShippingMethodView(View):
    """A shipping method. `countries` may be `*` for all; each of the `rates` applies from its
    `min_subtotal` on."""

    method: str
    name: str
    countries: list[str]
    rates: list[Rate]
    version: int

    @classmethod
    def of(cls, method: ShippingMethod) -> "ShippingMethodView":
        return cls(**dict(method))


class TaxRateView(View):
    """The tax rate of a country."""

    country: str
    rate_bp: int
    inclusive: bool
    version: int

    @classmethod
    def of(cls, rate: TaxRate) -> "TaxRateView":
        return cls(**dict(rate))
