"""A cart as its shopper sees it."""

from datetime import datetime

from cart.domain import promotions
from cart.domain.carts import Cart
from cart.domain.pricing import Shown
from cart.domain.promotions import Applied
from cart.service.replica import ask_catalog
from cart.tables import carts, reads
from shared.contracts.events import ProductData
from shared.errors import Unavailable
from shared.runtime import clock
from shared.runtime.observability import log


def as_of_now(cart: Cart, now: datetime, *, ask: bool) -> Shown:
    """The cart at today's prices, with what its coupon does: one read.

    What the replica has lost is asked of the catalog (`ask`), and else stays as it was last seen.
    """
    found, held = reads.products_and_coupon(cart.lines, cart.coupon, cart.owner)
    known: dict[str, ProductData | None] = {**found}
    missing = [sku for sku in cart.lines if sku not in known]
    if missing and ask:
        try:
            known |= ask_catalog(missing)
        except Unavailable:
            log.warning("cart shown as last seen", extra={"missing": len(missing)})
    seen = cart.seen(known)
    return Shown.of(seen, promotions.apply(seen, held, now))


def changed(before: Cart, after: Cart, *, must_apply: bool = False, mark: str | None = None) -> Shown:
    """Write the cart where it changed, and answer it: its other lines as last seen, unless a coupon weighs
    them all, which costs one more read.

    Raises VersionConflict, CouponNotApplicable (where it `must_apply`), DoneBefore (with a `mark`: once
    only).

    All reading comes before the write: a failure after it would ask the caller to do it again.
    """
    now = clock.now()
    saved = after if after is before else after.next_version(now)
    shown = as_of_now(saved, now, ask=False) if saved.coupon else Shown.of(saved, Applied(()))
    if must_apply and shown.refusal:
        raise shown.refusal.error()
    if saved is before:
        return shown
    if mark:
        carts.write_once(saved, mark, now)
    else:
        carts.write(saved)
    return shown
