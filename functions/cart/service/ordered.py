"""The effects of orders on carts and coupons."""

from collections import Counter

from cart.service.concurrency import retry_on_conflict
from cart.tables import carts, coupons, reads
from shared.contracts.events.orders import OrderData
from shared.runtime import clock


@retry_on_conflict
def remove_ordered(order: OrderData) -> None:
    """Remove the order's lines and coupon from its owner's cart and count the coupon, once per order."""
    now = clock.now()
    cart = reads.cart_of(order.user_id).as_of(now)
    quantities: Counter[str] = Counter()
    for line in order.lines:
        quantities[line.sku] += line.quantity
    remaining = cart.remove_ordered(quantities, order.coupon)
    # An order that removes nothing is recorded too: its repetition must not remove later additions.
    changed = None if remaining is cart else remaining.next_version(now)
    carts.write_ordered(changed, order.user_id, order.order_id, order.coupon, now)


@retry_on_conflict
def release_coupon(order: OrderData) -> None:
    """Subtract a cancelled or expired order from its coupon's uses, once per order."""
    if order.coupon:
        coupons.release(order.coupon, order.user_id, order.order_id, clock.now())
