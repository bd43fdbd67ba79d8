"""Filling a cart, and what an order takes out of it."""

import re

from cart.domain.carts import Cart
from cart.domain.pricing import Shown
from cart.service import showing
from cart.service.replica import ask_catalog
from cart.service.rivals import until_written
from cart.tables import carts, reads
from shared.contracts.events import OrderData, ProductData
from shared.dynamodb.concurrency import require_version
from shared.errors import NotFound
from shared.runtime import clock

_SKU = re.compile(r"[A-Za-z0-9._-]{1,64}")


def read_cart(owner: str) -> Shown:
    """The cart at today's prices; as last seen where the catalog is needed and does not answer."""
    now = clock.now()
    return showing.as_of_now(reads.cart_of(owner).as_of(now), now, ask=True)


@until_written
def add_item(owner: str, sku: str, quantity: int, request: str | None = None) -> Shown:
    """One read and one write for a known SKU, one read more where the cart has a coupon.

    Once a `request`, also when a first try died before it answered. Raises NotFound, CurrencyMismatch,
    Invalid, Unavailable.
    """
    cart, facts = _cart_and_product(owner, sku)
    try:
        return showing.changed(cart, cart.add(facts, quantity), mark=request and f"{request}.added")
    except carts.DoneBefore:
        return read_cart(owner)


@until_written
def set_item(owner: str, sku: str, quantity: int, if_match: int | None) -> Shown:
    """As `add_item`, to exactly this quantity. Raises Stale too."""
    cart, facts = _cart_and_product(owner, sku)
    require_version(if_match, cart.version)
    return showing.changed(cart, cart.put(facts, quantity))


@until_written
def remove_item(owner: str, sku: str, if_match: int | None) -> Shown:
    """Raises Stale."""
    cart = reads.cart_of(owner).as_of(clock.now())
    require_version(if_match, cart.version)
    return showing.changed(cart, cart.remove(sku))


@until_written
def clear_cart(owner: str, if_match: int | None) -> Shown:
    """Take out everything, the coupon too. Raises Stale."""
    cart = reads.cart_of(owner).as_of(clock.now())
    require_version(if_match, cart.version)
    return showing.changed(cart, cart.clear())


@until_written
def forget_ordered(order: OrderData) -> None:
    """Take what was ordered out of its owner's cart, and count its coupon: once per order."""
    now = clock.now()
    cart = reads.cart_of(order.user_id).as_of(now)
    left = cart.forget(order.lines, order.coupon)
    # An order that took nothing is remembered too: a repeat must not take what the shopper adds later.
    after = None if left is cart else left.next_version(now)
    carts.write_forgetting(after, order.user_id, order.order_id, order.coupon, now)


def _cart_and_product(owner: str, sku: str) -> tuple[Cart, ProductData]:
    if not _SKU.fullmatch(sku):
        raise NotFound("There is no such product.")
    cart, facts = reads.cart_and_product(owner, sku)
    facts = facts or ask_catalog([sku])[sku]
    if facts is None or not facts.active:
        raise NotFound(f"{sku} is not sold here.")
    return cart.as_of(clock.now()), facts
