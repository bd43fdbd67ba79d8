"""Reads of several rows at once: one BatchGetItem per 100 rows."""

from collections.abc import Collection

from cart.domain.carts import Cart
from cart.domain.pricing import TaxRate
from cart.domain.promotions import CouponState
from cart.domain.shipping import ShippingMethod
from cart.tables import carts, coupons, products, rates
from cart.tables.rows import SHIPPING, read
from shared.contracts.events.catalog import ProductData


def cart_of(owner: str) -> Cart:
    """Return the owner's cart; without a row, an empty cart at version 0."""
    return carts.cart_in(read(carts.key(owner)), owner)


def both_carts(owner: str, other: str) -> tuple[Cart, Cart]:
    rows = read(carts.key(owner), carts.key(other))
    return carts.cart_in(rows, owner), carts.cart_in(rows, other)


def cart_and_product(owner: str, sku: str) -> tuple[Cart, ProductData | None]:
    """Return the cart, and the product from the replica."""
    rows = read(carts.key(owner), products.key(sku))
    return carts.cart_in(rows, owner), products.products_in(rows).get(sku)


def cart_and_rates(owner: str, country: str) -> tuple[Cart, list[ShippingMethod], TaxRate | None]:
    """Return the cart, all shipping methods, and the country's tax rate."""
    rows = read(carts.key(owner), SHIPPING, rates.tax_key(country))
    return carts.cart_in(rows, owner), rates.methods_in(rows)[1], rates.tax_in(rows)


def products_and_coupon(
    skus: Collection[str], code: str | None, owner: str
) -> tuple[dict[str, ProductData], CouponState]:
    """Return the replica's products by SKU, and the state of the coupon (None: the cart has none)."""
    rows = read(*(products.key(sku) for sku in skus), *(coupons.keys(code, owner) if code else ()))
    state = coupons.state_in(rows, code, owner) if code else CouponState()
    return products.products_in(rows), state
