"""Carts as the API returns them: read at current prices, or just changed."""

from datetime import datetime

from cart.domain import promotions
from cart.domain.carts import Cart
from cart.domain.pricing import PricedCart
from cart.domain.promotions import CouponEffect
from cart.service.replica import fetch_products
from cart.tables import carts, reads
from shared.contracts.events.catalog import ProductData
from shared.errors import Unavailable
from shared.runtime import clock
from shared.runtime.observability import log


def priced(cart: Cart, now: datetime, *, call_catalog: bool) -> PricedCart:
    """Return the cart at current prices with its coupon's effect. Costs one read.

    `call_catalog` fetches products that are not in the replica. If it is False, or catalog does not respond,
    their lines keep the data last seen.
    """
    replica, state = reads.products_and_coupon(cart.lines, cart.coupon, cart.owner)
    products: dict[str, ProductData | None] = {**replica}
    missing = [sku for sku in cart.lines if sku not in products]
    if missing and call_catalog:
        try:
            products |= fetch_products(missing)
        except Unavailable:
            log.warning("outdated cart returned", extra={"missing": len(missing)})
    current = cart.refreshed(products)
    return PricedCart.of(current, promotions.apply(current, state, now))


def save(
    before: Cart, after: Cart, *, require_coupon: bool = False, operation_id: str | None = None
) -> PricedCart:
    """Write the cart if it changed, and return it.

    Unchanged lines keep the data last seen. A cart with a coupon is returned at current prices, which costs
    one more read. Raises VersionConflict, CouponNotApplicable (`require_coupon`: if the coupon does not
    apply), AlreadyAppliedError (`operation_id`: if this operation was applied before).
    """
    now = clock.now()
    saved = after if after is before else after.next_version(now)
    # All reads precede the write: if one failed after it, the client would repeat a change that was made.
    if saved.coupon:
        view = priced(saved, now, call_catalog=False)
    else:
        view = PricedCart.of(saved, CouponEffect(()))
    if require_coupon and view.ineligible:
        raise view.ineligible.problem()
    if saved is before:
        return view
    if operation_id:
        carts.write_once(saved, operation_id, now)
    else:
        carts.write(saved)
    return view
