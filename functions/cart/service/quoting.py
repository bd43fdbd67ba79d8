"""What a cart costs delivered, as a promise that is signed."""

from cart.domain import pricing, promotions, shipping
from cart.domain.carts import Cart, Line
from cart.domain.pricing import Priced, TaxRate, Totals
from cart.domain.promotions import Applied, Held
from cart.service.replica import ask_catalog
from cart.settings import settings
from cart.tables import reads
from shared.contracts import quotes
from shared.contracts.events import ProductData
from shared.contracts.quotes import Quote, QuotedLine, ShippingAddress
from shared.runtime import clock
from shared.runtime.secrets import secret
from shared.values import ids
from shared.values.money import Money


def quote(owner: str, country: str, address: ShippingAddress | None, wanted: str | None) -> Priced:
    """The cart's price delivered, good for 15 minutes; without its coupon where that does not apply.

    Raises CartEmpty, OutOfStock, Invalid (shipping), Unavailable (the catalog is needed and does not answer).
    """
    now = clock.now()
    cart, methods, tax = reads.cart_and_charges(owner, country)
    cart, held = _sellable(cart.as_of(now))
    applied = promotions.apply(cart, held, now)
    offered = shipping.offers(methods, country, cart.subtotal)
    offer = shipping.choose(offered, wanted, "/shipping_address/country" if address else "/country")
    if applied.ships_free:
        offered, offer = shipping.waived(offered), shipping.waived([offer])[0]
    rate = tax or TaxRate(country=country, rate_bp=0, inclusive=True)
    goods = [line.line_total for line in cart.lines.values()]
    sums = pricing.totals(goods, applied.discounts, offer.price, rate)
    coupon = applied.coupon
    priced = Quote(
        quote_id=ids.new_id("quo"),
        user_id=owner,
        lines=_quoted_lines(cart, applied, sums),
        subtotal=sums.subtotal,
        discount=sums.discount,
        shipping=sums.shipping,
        tax=sums.tax,
        total=sums.total,
        tax_inclusive=rate.inclusive,
        shipping_tax=_unless_zero(sums.shipping_tax),
        country=country,
        shipping_method=offer.method,
        shipping_address=address,
        coupon=coupon.code if coupon else None,
        coupon_limits=coupon.terms.limits if coupon else None,
        cart_version=cart.version,
        expires_at=now + pricing.QUOTES_HOLD,
    )
    return Priced(priced, offered, applied.refusal)


def signed(priced: Quote) -> str:
    """The quote as a token that orders will honour."""
    return quotes.sign(priced, signing_key())


def signing_key() -> str:
    return secret(settings().cart_quote_secret_arn)["key"]


def _sellable(cart: Cart) -> tuple[Cart, Held]:
    """The cart at today's prices, and its coupon. Raises CartEmpty, OutOfStock, Unavailable."""
    found, held = reads.products_and_coupon(cart.lines, cart.coupon, cart.owner)
    known: dict[str, ProductData | None] = {**found}
    if len(known) < len(cart.lines):
        known = ask_catalog(cart.lines)
    cart = cart.seen(known)
    if cart.short:
        # Nobody is turned away on hearsay: what was last heard may be some seconds old.
        cart = cart.seen(known | ask_catalog([line.sku for line in cart.short]))
    cart.check_sellable()
    return cart, held


def _quoted_lines(cart: Cart, applied: Applied, sums: Totals) -> list[QuotedLine]:
    return [
        _quoted(line, discount, tax)
        for line, discount, tax in zip(cart.lines.values(), applied.discounts, sums.line_taxes, strict=True)
    ]


def _quoted(line: Line, discount: Money, tax: Money) -> QuotedLine:
    return QuotedLine(
        sku=line.sku,
        product_id=line.product_id,
        title=line.title,
        quantity=line.quantity,
        unit_price=line.unit_price,
        line_total=line.line_total,
        discount=_unless_zero(discount),
        tax=_unless_zero(tax),
    )


def _unless_zero(money: Money) -> Money | None:
    return money if money.amount else None
