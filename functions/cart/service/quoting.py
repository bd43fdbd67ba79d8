"""Quotes: the price of a cart with shipping and tax, signed."""

from cart.domain import pricing, promotions, shipping
from cart.domain.carts import Cart
from cart.domain.pricing import PricedQuote, TaxRate, Totals
from cart.domain.promotions import CouponEffect, CouponState
from cart.service.replica import fetch_products
from cart.settings import settings
from cart.tables import reads
from shared.contracts import quotes
from shared.contracts.events.catalog import ProductData
from shared.contracts.quotes import Quote, QuotedLine, ShippingAddress
from shared.runtime import clock
from shared.runtime.secrets import secret
from shared.values import ids
from shared.values.money import Money


def quote(owner: str, country: str, address: ShippingAddress | None, method: str | None) -> PricedQuote:
    """Price the cart with shipping to the country; the quote is valid for 15 minutes.

    `method` of None chooses the cheapest. A coupon that does not apply is left out. Raises CartEmpty,
    OutOfStock, Invalid (shipping), Unavailable (catalog is needed and does not respond).
    """
    now = clock.now()
    cart, methods, tax = reads.cart_and_rates(owner, country)
    cart, state = _sellable(cart.as_of(now))
    effect = promotions.apply(cart, state, now)
    offered = shipping.offers(methods, country, cart.subtotal)
    pointer = "/shipping_address/country" if address else "/country"
    offer = shipping.choose(offered, method, pointer, shipping.destinations(methods, cart.subtotal))
    if effect.ships_free:
        offered, offer = shipping.waived(offered), shipping.waived([offer])[0]
    rate = tax or TaxRate(country=country, rate_bp=0, inclusive=True)
    goods = [line.line_total for line in cart.lines.values()]
    totals = pricing.totals(goods, effect.discounts, offer.price, rate)
    coupon = effect.coupon
    quoted = Quote(
        quote_id=ids.new_id("quo"),
        user_id=owner,
        lines=_quoted_lines(cart, effect, totals),
        subtotal=totals.subtotal,
        discount=totals.discount,
        shipping=totals.shipping,
        tax=totals.tax,
        total=totals.total,
        tax_inclusive=rate.inclusive,
        shipping_tax=_none_if_zero(totals.shipping_tax),
        country=country,
        shipping_method=offer.method,
        shipping_address=address,
        coupon=coupon.code if coupon else None,
        coupon_limits=coupon.terms.limits if coupon else None,
        cart_version=cart.version,
        expires_at=now + pricing.QUOTE_TTL,
    )
    return PricedQuote(quoted, offered, effect.ineligible)


def sign(quoted: Quote) -> str:
    """Return the quote as a token that orders accepts."""
    return quotes.sign(quoted, signing_key())


def signing_key() -> str:
    return secret(settings().cart_quote_secret_arn)["key"]


def _sellable(cart: Cart) -> tuple[Cart, CouponState]:
    """Return the cart at current prices and its coupon's state. Raises CartEmpty, OutOfStock, Unavailable."""
    replica, state = reads.products_and_coupon(cart.lines, cart.coupon, cart.owner)
    products: dict[str, ProductData | None] = {**replica}
    if len(products) < len(cart.lines):
        products = fetch_products(cart.lines)
    cart = cart.refreshed(products)
    if cart.out_of_stock:
        # The replica may lag by seconds, so a cart is never rejected on cached data.
        cart = cart.refreshed(products | fetch_products([line.sku for line in cart.out_of_stock]))
    cart.check_sellable()
    return cart, state


def _quoted_lines(cart: Cart, effect: CouponEffect, totals: Totals) -> list[QuotedLine]:
    return [
        QuotedLine(
            sku=line.sku,
            product_id=line.product_id,
            title=line.title,
            quantity=line.quantity,
            unit_price=line.unit_price,
            line_total=line.line_total,
            discount=_none_if_zero(discount),
            tax=_none_if_zero(tax),
        )
        for line, discount, tax in zip(cart.lines.values(), effect.discounts, totals.line_taxes, strict=True)
    ]


def _none_if_zero(money: Money) -> Money | None:
    return money if money.amount else None
