"""What the cart's API takes and gives."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from cart.domain.carts import Change, Line
from cart.domain.pricing import Priced, Shown, TaxRate
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


class AddItem(Body):
    sku: Sku
    quantity: Quantity


class SetItem(Body):
    """0 removes."""

    quantity: Annotated[int, Field(ge=0, le=9_999)]


class PutOnCart(Body):
    """A code is read in any case."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class MergeCarts(Body):
    """The guest's access token."""

    guest_token: Annotated[str, StringConstraints(min_length=1, max_length=4_096)]


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
    def _tiers_differ_and_can_be_charged(cls, rates: list[Rate]) -> list[Rate]:
        for rate in rates:
            chargeable(rate.price)
        if len({(rate.min_subtotal.currency, rate.min_subtotal.amount) for rate in rates}) < len(rates):
            raise ValueError("two rates begin at the same min_subtotal")
        return rates


class PutTaxRate(Body):
    rate_bp: Annotated[int, Field(ge=0, le=BASIS_POINTS)]
    inclusive: bool


class NewTerms(Terms):
    """Terms as they come in: their money is such that can be charged."""

    @field_validator("value", "min_subtotal")
    @classmethod
    def _can_be_charged(cls, given: int | Price | None) -> int | Price | None:
        return chargeable(given) if isinstance(given, Price) else given


class PutCoupon(NewTerms):
    """`code` may be sent, and is then the one in the path."""

    code: str | None = None


class PostCoupon(NewTerms):
    """`code` is read in any case and kept in capitals."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{3,40}$", to_upper=True)]


class CartItemView(View):
    """`change`: what happened since the shopper last changed this line; `available` is 0 for what is gone."""

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
    """`item_count` counts pieces; `expires_at` is set for guests.

    `coupon_reason` says why the coupon that the cart has does not apply now; then `discount` is 0.
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
    def of(cls, shown: Shown) -> "CartView":
        cart = shown.cart
        return cls(
            # An owner has one cart: its id is the owner's under another prefix.
            cart_id="crt_" + cart.owner.partition("_")[2],
            items=[CartItemView.of(line) for line in cart.lines.values()],
            item_count=cart.item_count,
            subtotal=cart.subtotal,
            coupon=cart.coupon,
            discount=shown.discount,
            coupon_reason=shown.refusal.reason if shown.refusal else None,
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
    """total = subtotal - discount + shipping, plus tax unless `tax_inclusive`.

    The lines' taxes and `shipping_tax` add up to `tax`. `coupon_reason`: why the coupon is left out.
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
            shipping_tax=quote.shipping_tax,
            tax_inclusive=quote.tax_inclusive,
            total=quote.total,
            country=quote.country,
            shipping_method=quote.shipping_method,
            shipping_methods=[OfferView.of(offer) for offer in priced.offers],
            shipping_address=quote.shipping_address,
            coupon=quote.coupon,
            coupon_reason=priced.refusal.reason if priced.refusal else None,
            cart_version=quote.cart_version,
        )


class CouponView(View):
    """`used` is how many orders hold it, as far as was heard."""

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
