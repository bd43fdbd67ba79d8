"""The placement of an order: opened, then placed or rejected."""

from datetime import datetime
from typing import Any

from orders.domain.orders import PENDING_FOR, Order
from orders.domain.terms import Terms
from orders.domain.timeline import Entry, TimelineEvent
from orders.domain.transitions import Status, Transition
from shared.contracts.reasons import CancelReason
from shared.values.money_format import format_money


def open_order(
    order_id: str,
    user_id: str,
    now: datetime,
    terms: Terms | None = None,
    redeemed: tuple[str, ...] = (),
) -> Order:
    """Return a new pending order. It is written first, so that the sweeper cleans up after any crash.

    Pass `terms` if a retry could not derive the same terms again; `redeemed` are its coupon counters.
    """
    return Order(order_id, user_id, Status.PENDING, 1, now, now + PENDING_FOR, terms, redeemed=redeemed)


def place(order: Order, terms: Terms) -> Order:
    """Return the order after its stock was reserved: awaiting payment, or paid if its total is 0.

    Raises IllegalTransition.
    """
    entry = Entry(terms.placed_at, TimelineEvent.PLACED, order.user_id, f"total {format_money(terms.total)}")
    placed = order.transitioned(Transition.PLACE, entry, terms=terms, expires_at=terms.pay_by)
    if terms.total.amount:
        return placed
    paid = Entry(terms.placed_at, TimelineEvent.PAID, "system", "no payment required")
    return placed.transitioned(Transition.PAY, paid).as_one_change(order)


def as_placed(order: Order) -> Order:
    """Return the order as it was when it was placed: the first response to the request that placed it."""
    terms = order.agreed_terms
    return place(open_order(order.order_id, order.user_id, terms.placed_at, redeemed=order.redeemed), terms)


def reject(order: Order, problem: dict[str, Any], now: datetime) -> Order:
    """Return the order after its reservation was rejected with `problem`. Raises IllegalTransition."""
    entry = Entry(now, TimelineEvent.REJECTED, "system", str(problem["detail"]))
    return order.transitioned(Transition.REJECT, entry, reason=CancelReason.REJECTED, rejection=problem)
