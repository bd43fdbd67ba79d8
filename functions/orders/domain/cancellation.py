"""How an order is given up: cancelled by somebody, or out of time."""

from datetime import datetime

from orders.domain.orders import Order, RefundDue
from orders.domain.paying import due_entry
from orders.domain.timeline import Entry, TimelineEvent
from orders.domain.transitions import IllegalTransition, Status, Transition
from shared.values.money import Money


def cancel(order: Order, actor: str, request: str, now: datetime) -> Order:
    """Given up before anything was shipped; what was paid is due back. The same order where this very
    request did it before. Raises IllegalTransition.
    """
    if any(entry.type is TimelineEvent.CANCELLED and entry.ref == request for entry in order.timeline):
        return order
    if order.status is Status.PENDING:
        raise IllegalTransition("The order is still being placed.", status_now=order.status.value)
    reason = "cancelled by the customer" if actor == order.user_id else "cancelled by the shop"
    left = order.refundable
    entries = [Entry(now, TimelineEvent.CANCELLED, actor, reason, request)]
    changes = {}
    if left and order.payment_id:
        due = RefundDue(order.payment_id, Money(amount=left, currency=order.agreed.total.currency), reason)
        entries.append(due_entry(now, "cancel", due.amount, reason))
        changes["refunds_due"] = {**order.refunds_due, "cancel": due}
    return order.transitioned(Transition.CANCEL, *entries, reason=reason, **changes)


def expire(order: Order, now: datetime) -> Order:
    """Its time is over. Raises IllegalTransition, also when it is not over yet."""
    if order.expires_at is None or order.expires_at > now:
        raise IllegalTransition("The order still has time.", status_now=order.status.value)
    return order.transitioned(
        Transition.EXPIRE, Entry(now, TimelineEvent.EXPIRED, "system"), reason="not paid in time"
    )
