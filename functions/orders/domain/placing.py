"""From opened to waiting for its payment, or refused."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from orders.domain.orders import PENDING_FOR, Order
from orders.domain.terms import Terms
from orders.domain.timeline import Entry, TimelineEvent
from orders.domain.transitions import Status, Transition
from shared.values.money_format import format_money


def opened(
    order_id: str,
    user_id: str,
    now: datetime,
    terms: Terms | None = None,
    redeemed: tuple[str, ...] = (),
) -> Order:
    """A new order, pending: written first, so that whatever crashes next, somebody will clean up.

    `terms` where a retry could not make them again; `redeemed`: its coupon's counters.
    """
    return Order(order_id, user_id, Status.PENDING, 1, now, now + PENDING_FOR, terms, redeemed=redeemed)


def place(order: Order, terms: Terms) -> Order:
    """The stock is held: from now on it waits for its payment; or is paid, where it costs nothing.

    Raises IllegalTransition.
    """
    placed = Entry(terms.placed_at, TimelineEvent.PLACED, order.user_id, f"total {format_money(terms.total)}")
    waiting = order.transitioned(Transition.PLACE, placed, terms=terms, expires_at=terms.pay_by)
    if terms.total.amount:
        return waiting
    paid = waiting.transitioned(
        Transition.PAY, Entry(terms.placed_at, TimelineEvent.PAID, "system", "nothing to pay")
    )
    return replace(paid, version=waiting.version)  # one change, one write


def as_placed(order: Order) -> Order:
    """The order as it was when it was placed: the first answer to who placed it."""
    terms = order.agreed
    pending = opened(order.order_id, order.user_id, terms.placed_at, redeemed=order.redeemed)
    return place(pending, terms)


def reject(order: Order, problem: dict[str, Any], now: datetime) -> Order:
    """The catalog would not hold the stock. Raises IllegalTransition."""
    entry = Entry(now, TimelineEvent.REJECTED, "system", str(problem["detail"]))
    return order.transitioned(Transition.REJECT, entry, reason="refused", rejection=problem)
