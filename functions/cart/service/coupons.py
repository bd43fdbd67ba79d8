"""Coupons: made by staff, put on carts by shoppers, held by orders."""

from cart.domain.pricing import Shown
from cart.domain.promotions import Coupon, Reason, Refusal, Terms, code_of
from cart.service import showing
from cart.service.rivals import until_written
from cart.tables import coupons, reads
from shared.contracts.events import OrderData
from shared.dynamodb.concurrency import require_version
from shared.dynamodb.idempotency import IdempotencyKey
from shared.errors import Conflict, NotFound
from shared.runtime import clock


class CouponExists(Conflict):
    """There is a coupon of this code."""


@until_written
def put_on_cart(owner: str, written: str, if_match: int | None) -> Shown:
    """Put the coupon on the cart, in place of the one it has. Raises CouponNotApplicable, Stale."""
    cart = reads.cart_of(owner).as_of(clock.now())
    require_version(if_match, cart.version)
    code = code_of(written)
    if code is None:
        raise Refusal(Reason.UNKNOWN, "There is no such coupon.").error()
    return showing.changed(cart, cart.with_coupon(code), must_apply=True)


@until_written
def take_off_cart(owner: str, if_match: int | None) -> Shown:
    """Raises Stale."""
    cart = reads.cart_of(owner).as_of(clock.now())
    require_version(if_match, cart.version)
    return showing.changed(cart, cart.with_coupon(None))


def listed(after: str | None, limit: int) -> tuple[list[Coupon], str | None]:
    """A page of all coupons by code, and the code to go on after."""
    found, more = coupons.page(after, limit)
    return found, found[-1].code if more else None


def read(written: str) -> Coupon:
    """Raises NotFound."""
    code = code_of(written)
    known = coupons.find(code).coupon if code else None
    if known is None:
        raise NotFound("There is no such coupon.")
    return known


@until_written
def make(code: str, terms: Terms, key: IdempotencyKey | None) -> Coupon:
    """Raises CouponExists."""
    found = coupons.find(code)
    if found.coupon:
        if key and key.pk == found.made_by:
            return found.coupon  # by this very request, which died before it answered
        raise CouponExists(f"There is a coupon {code}; change it with PUT /coupons/{code}.")
    coupons.write(code, terms, found.version + 1, key.pk if key else None)
    return Coupon(code, terms, found.version + 1, found.used)


@until_written
def change(written: str, terms: Terms, if_match: int | None) -> Coupon:
    """Give the coupon other terms, also where it is on carts already. Raises NotFound, Stale."""
    known = read(written)
    require_version(if_match, known.version)
    coupons.write(known.code, terms, known.version + 1)
    return Coupon(known.code, terms, known.version + 1, known.used)


@until_written
def delete(written: str, if_match: int | None) -> None:
    """Take the coupon away; carts that have it say so. Raises NotFound, Stale."""
    known = read(written)
    require_version(if_match, known.version)
    coupons.write(known.code, None, known.version + 1)


@until_written
def give_back(order: OrderData) -> None:
    """An order that was given up holds its coupon no more: once per order."""
    if order.coupon:
        coupons.give_back(order.coupon, order.user_id, order.order_id, clock.now())
