"""Reading and changing a cart."""

import re

from cart.domain.carts import Cart
from cart.domain.pricing import PricedCart
from cart.service import views
from cart.service.concurrency import retry_on_conflict
from cart.service.replica import fetch_products
from cart.tables import carts, reads
from shared.contracts.events.catalog import ProductData
from shared.dynamodb.concurrency import require_version
from shared.errors import NotFound
from shared.runtime import clock

_SKU = re.compile(r"[A-Za-z0-9._-]{1,64}")


def read_cart(owner: str) -> PricedCart:
    """Return the cart at current prices; if catalog is needed and does not respond, as last seen."""
    now = clock.now()
    return views.priced(reads.cart_of(owner).as_of(now), now, call_catalog=True)


@retry_on_conflict
def add_item(owner: str, sku: str, quantity: int, request: str | None = None) -> PricedCart:
    """Add to the cart, once per `request`, even if an earlier try failed after its write.

    Costs one read and one write if the replica has the SKU, one more read if the cart has a coupon. Raises
    NotFound, CurrencyMismatch, Invalid, Unavailable.
    """
    cart, product = _cart_and_product(owner, sku)
    try:
        return views.save(cart, cart.add(product, quantity), operation_id=request and f"{request}.added")
    except carts.AlreadyAppliedError:
        return read_cart(owner)


@retry_on_conflict
def set_item(owner: str, sku: str, quantity: int, if_match: int | None) -> PricedCart:
    """Set the quantity. Raises the same problems as `add_item`, and Stale."""
    cart, product = _cart_and_product(owner, sku)
    require_version(if_match, cart.version)
    return views.save(cart, cart.put(product, quantity))


@retry_on_conflict
def remove_item(owner: str, sku: str, if_match: int | None) -> PricedCart:
    """Remove the line; without it, change nothing. Raises Stale."""
    cart = reads.cart_of(owner).as_of(clock.now())
    require_version(if_match, cart.version)
    return views.save(cart, cart.remove(sku))


@retry_on_conflict
def clear_cart(owner: str, if_match: int | None) -> PricedCart:
    """Remove all lines and the coupon. Raises Stale."""
    cart = reads.cart_of(owner).as_of(clock.now())
    require_version(if_match, cart.version)
    return views.save(cart, cart.clear())


def _cart_and_product(owner: str, sku: str) -> tuple[Cart, ProductData]:
    if not _SKU.fullmatch(sku):
        raise NotFound("The product does not exist.")
    cart, product = reads.cart_and_product(owner, sku)
    product = product or fetch_products([sku])[sku]
    if product is None or not product.active:
        raise NotFound(f"The product {sku} is not for sale.")
    return cart.as_of(clock.now()), product
