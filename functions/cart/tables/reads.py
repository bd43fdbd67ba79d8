"""What the use cases need to know together, each in one read (of every hundred rows)."""

from collections.abc import Collection

from cart.domain.carts import Cart
from cart.domain.pricing import TaxRate
from cart.domain.promotions import Held
from cart.domain.shipping import ShippingMethod
from cart.tables import carts, charges, coupons, products
from cart.tables.rows import SHIPPING, read
from shared.contracts.events import ProductData


def cart_of(owner: str) -> Cart:
    """The owner's cart, empty at version 0 where there is none."""
    return carts.cart_in(read(carts.key(owner)), owner)


def both_carts(owner: str, other: str) -> tuple[Cart, Cart]:
    rows = read(carts.key(owner), carts.key(other))
    return carts.cart_in(rows, owner), carts.cart_in(rows, other)


def cart_and_product(owner: str, sku: str) -> tuple[Cart, ProductData | None]:
    """The cart, and what the replica knows of the product."""
    rows = read(carts.key(owner), products.key(sku))
    return carts.cart_in(rows, owner), products.products_in(rows).get(sku)


def cart_and_charges(owner: str, country: str) -> tuple[Cart, list[ShippingMethod], TaxRate | None]:
    """The cart with all shipping methods and the country's tax rate."""
    rows = read(carts.key(owner), SHIPPING, charges.tax_key(country))
    return carts.cart_in(rows, owner), charges.methods_in(rows)[1], charges.tax_in(rows)


def products_and_coupon(
    skus: Collection[str], code: str | None, owner: str
) -> tuple[dict[str, ProductData], Held]:
    """What the replica knows of these products, and what is known of the coupon of this code, if any."""
    rows = read(*(products.key(sku) for sku in skus), *(coupons.keys(code, owner) if code else ()))
    return products.products_in(rows), coupons.held_in(rows, code, owner) if code else Held()
