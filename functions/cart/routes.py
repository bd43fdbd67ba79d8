"""The HTTP routes of cart."""

from cart.domain.carts import CurrencyMismatch
from cart.domain.promotions import Terms, normalize_code
from cart.schemas import (
    AddCartItem,
    CartView,
    CouponView,
    CreateCoupon,
    MergeCarts,
    PutCouponOnCart,
    PutShippingMethod,
    PutTaxRate,
    QuoteView,
    ReplaceCoupon,
    RequestQuote,
    SetCartItem,
    ShippingMethodView,
    TaxRateView,
)
from cart.service import carts, coupons, merging, quoting, rates
from cart.service.coupons import CouponExists
from cart.service.cursors import cursors
from shared.contracts.problems import CartEmpty, CouponNotApplicable, OutOfStock
from shared.dynamodb.idempotency import IdempotencyKey
from shared.dynamodb.pages import page_of
from shared.errors import NotFound, invalid
from shared.http.identity import CUSTOMER, GUEST, STAFF, Caller
from shared.http.paging import Page, PageQuery
from shared.http.routing import Routes

routes = Routes()
METHODS = "shipping-methods"


@routes.get("/cart", role=GUEST)
def read_cart(caller: Caller) -> CartView:
    """Get the cart at current prices."""
    return CartView.of(carts.read_cart(caller.user_id))


@routes.delete("/cart", role=GUEST)
def clear_cart(caller: Caller, if_match: int | None) -> None:
    """Remove all items and the coupon from the cart."""
    carts.clear_cart(caller.user_id, if_match)


@routes.post("/cart/items", role=GUEST, raises=(NotFound, CurrencyMismatch))
def add_item(caller: Caller, body: AddCartItem, key: IdempotencyKey | None) -> CartView:
    """Add pieces of a product to the cart.

    If the cart has the product already, it gets more pieces.
    """
    return CartView.of(carts.add_item(caller.user_id, body.sku, body.quantity, key.pk if key else None))


@routes.put("/cart/items/{sku}", role=GUEST, raises=(NotFound, CurrencyMismatch))
def set_item(caller: Caller, sku: str, body: SetCartItem, if_match: int | None) -> CartView:
    """Set the quantity of a product in the cart; 0 removes it."""
    if body.quantity == 0:
        return CartView.of(carts.remove_item(caller.user_id, sku, if_match))
    return CartView.of(carts.set_item(caller.user_id, sku, body.quantity, if_match))


@routes.delete("/cart/items/{sku}", role=GUEST, status=200)
def remove_item(caller: Caller, sku: str, if_match: int | None) -> CartView:
    """Remove a product from the cart."""
    return CartView.of(carts.remove_item(caller.user_id, sku, if_match))


@routes.put("/cart/coupon", role=GUEST, raises=(CouponNotApplicable,))
def put_coupon_on_cart(caller: Caller, body: PutCouponOnCart, if_match: int | None) -> CartView:
    """Put a coupon on the cart; it replaces the cart's coupon."""
    return CartView.of(coupons.put_on_cart(caller.user_id, body.code, if_match))


@routes.delete("/cart/coupon", role=GUEST, status=200)
def remove_coupon_from_cart(caller: Caller, if_match: int | None) -> CartView:
    """Remove the coupon from the cart."""
    return CartView.of(coupons.remove_from_cart(caller.user_id, if_match))


@routes.post("/cart/merge", role=CUSTOMER, raises=(CurrencyMismatch,))
def merge_carts(caller: Caller, body: MergeCarts) -> CartView:
    """Merge a guest's cart into your cart."""
    return CartView.of(merging.merge(caller.user_id, body.guest_token))


# A repetition is harmless, and the response contains an address and a signed token, so it is not stored.
@routes.post("/cart/quote", role=GUEST, repeatable=True, raises=(CartEmpty, OutOfStock))
def quote_cart(caller: Caller, body: RequestQuote) -> QuoteView:
    """Price the cart with shipping and tax.

    The quote is valid for 15 minutes. Its token fixes lines, prices, shipping and tax for `POST /orders`.
    """
    priced = quoting.quote(caller.user_id, body.destination, body.shipping_address, body.shipping_method)
    return QuoteView.of(priced, quoting.sign(priced.quote))


@routes.get("/coupons", role=STAFF)
def list_coupons(query: PageQuery) -> Page[CouponView]:
    """List all coupons, ordered by code."""
    return Page[CouponView].of_items(coupons.list_coupons(query.limit, query.cursor), CouponView.of)


@routes.post("/coupons", role=STAFF, status=201, location="/coupons/{code}", raises=(CouponExists,))
def create_coupon(body: CreateCoupon, key: IdempotencyKey | None) -> CouponView:
    """Create a coupon."""
    return CouponView.of(coupons.create(body.code, _terms(body), key))


@routes.get("/coupons/{code}", role=STAFF, raises=(NotFound,))
def read_coupon(code: str) -> CouponView:
    """Get a coupon."""
    return CouponView.of(coupons.read(code))


@routes.put("/coupons/{code}", role=STAFF, raises=(NotFound,))
def update_coupon(code: str, body: ReplaceCoupon, if_match: int | None) -> CouponView:
    """Replace a coupon's terms."""
    if body.code is not None and normalize_code(body.code) != normalize_code(code):
        raise invalid("/code", "A coupon's code cannot be changed.")
    return CouponView.of(coupons.update(code, _terms(body), if_match))


@routes.delete("/coupons/{code}", role=STAFF, raises=(NotFound,))
def delete_coupon(code: str, if_match: int | None) -> None:
    """Delete a coupon; carts that have it report it as unknown."""
    coupons.delete(code, if_match)


@routes.get("/shipping-methods")
def list_shipping_methods(query: PageQuery) -> Page[ShippingMethodView]:
    """List all shipping methods."""
    after = (cursors.read(query.cursor, METHODS) or {"method": ""})["method"]
    found = [method for method in rates.shipping_methods() if method.method > after]
    page = page_of(found, query.limit, lambda method: {"method": method.method})
    return Page[ShippingMethodView].of_items(cursors.listed(page, METHODS), ShippingMethodView.of)


@routes.get("/shipping-methods/{method}", raises=(NotFound,))
def read_shipping_method(method: str) -> ShippingMethodView:
    """Get a shipping method."""
    return ShippingMethodView.of(rates.shipping_method(method))


@routes.put("/shipping-methods/{method}", role=STAFF)
def put_shipping_method(method: str, body: PutShippingMethod, if_match: int | None) -> ShippingMethodView:
    """Create or replace a shipping method."""
    return ShippingMethodView.of(
        rates.put_shipping_method(method, body.name, body.countries, body.rates, if_match)
    )


@routes.get("/tax-rates/{country}", raises=(NotFound,))
def read_tax_rate(country: str) -> TaxRateView:
    """Get the tax rate of a country."""
    return TaxRateView.of(rates.tax_rate(country))


@routes.put("/tax-rates/{country}", role=STAFF)
def put_tax_rate(country: str, body: PutTaxRate, if_match: int | None) -> TaxRateView:
    """Create or replace the tax rate of a country."""
    return TaxRateView.of(rates.put_tax_rate(country, body.rate_bp, body.inclusive, if_match))


def _terms(body: Terms) -> Terms:
    """Return the terms without the code."""
    return Terms(**{name: getattr(body, name) for name in Terms.model_fields})
