"""Coupons: maintained by staff, put on carts by shoppers."""

from cart.domain.pricing import PricedCart
from cart.domain.promotions import Coupon, Ineligible, Reason, Terms, normalize_code
from cart.service import views
from cart.service.concurrency import retry_on_conflict
from cart.service.cursors import cursors
from cart.tables import coupons, reads
from shared.dynamodb.concurrency import require_version
from shared.dynamodb.idempotency import IdempotencyKey
from shared.errors import Conflict, NotFound
from shared.http.paging import Listed
from shared.runtime import clock

CURSOR_SCOPE = "coupons"


class CouponExists(Conflict):
    """A coupon with this code exists."""

    advice = "Choose another code, or change the coupon with `PUT /coupons/{code}`."


@retry_on_conflict
def put_on_cart(owner: str, text: str, if_match: int | None) -> PricedCart:
    """Put the coupon on the cart; it replaces the cart's coupon. Raises CouponNotApplicable, Stale."""
    cart = reads.cart_of(owner).as_of(clock.now())
    require_version(if_match, cart.version)
    code = normalize_code(text)
    if code is None:
        raise Ineligible(Reason.UNKNOWN, "The coupon does not exist.").problem()
    return views.save(cart, cart.with_coupon(code), require_coupon=True)


@retry_on_conflict
def remove_from_cart(owner: str, if_match: int | None) -> PricedCart:
    """Remove the cart's coupon. Raises Stale."""
    cart = reads.cart_of(owner).as_of(clock.now())
    require_version(if_match, cart.version)
    return views.save(cart, cart.with_coupon(None))


def list_coupons(limit: int, cursor: str | None) -> Listed[Coupon]:
    """Return a page of coupons, ordered by code. Raises Malformed."""
    after = (cursors.read(cursor, CURSOR_SCOPE) or {"code": None})["code"]
    return cursors.listed(coupons.page(after, limit), CURSOR_SCOPE)


def read(text: str) -> Coupon:
    """Return the coupon. Raises NotFound."""
    code = normalize_code(text)
    coupon = coupons.find(code).coupon if code else None
    if coupon is None:
        raise NotFound("The coupon does not exist.")
    return coupon


@retry_on_conflict
def create(code: str, terms: Terms, key: IdempotencyKey | None) -> Coupon:
    """Create the coupon; a retry with the same key returns it. Raises CouponExists."""
    stored = coupons.find(code)
    if stored.coupon:
        if key and key.pk == stored.created_with:
            return stored.coupon  # this request created it and then failed before it responded
        raise CouponExists(f"The coupon {code} exists; change it with PUT /coupons/{code}.")
    coupons.write(code, terms, stored.version + 1, key.pk if key else None)
    return Coupon(code, terms, stored.version + 1, stored.used)


@retry_on_conflict
def update(text: str, terms: Terms, if_match: int | None) -> Coupon:
    """Replace the coupon's terms, also for carts that have it. Raises NotFound, Stale."""
    coupon = read(text)
    require_version(if_match, coupon.version)
    coupons.write(coupon.code, terms, coupon.version + 1)
    return Coupon(coupon.code, terms, coupon.version + 1, coupon.used)


@retry_on_conflict
def delete(text: str, if_match: int | None) -> None:
    """Delete the coupon; carts that have it report it as unknown. Raises NotFound, Stale."""
    coupon = read(text)
    require_version(if_match, coupon.version)
    coupons.write(coupon.code, None, coupon.version + 1)
