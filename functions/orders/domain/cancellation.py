"""The cancellation and the expiry of an order."""

from datetime import datetime

from orders.domain.orders import Order, RefundDue, RefundKey
from orders.domain.paying import refund_due_entry
from orders.domain.timeline import Entry, TimelineEvent
from orders.domain.transitions import IllegalTransition, Status, Transition
from shared.contracts.reasons import CancelReason, RefundReason
from shared.values.money import Money


def cancel(order: Order, actor: str, request: str, now: datetime) -> Order:
    """Cancel an order that is not shipped; what was paid becomes due for refund.

    Return the same order if this `request` cancelled it before. Raises IllegalTransition.
    """
    if any(entry.type is TimelineEvent.CANCELLED and entry.ref == request for entry in order.timeline):
        return order
    if order.status is Status.PENDING:
        raise IllegalTransition("The order is still being placed; retry.", status_now=order.status.value)
    by_customer = actor == order.user_id
    reason = CancelReason.REQUESTED_BY_CUSTOMER if by_customer else CancelReason.REQUESTED_BY_SHOP
    entries = [Entry(now, TimelineEvent.CANCELLED, actor, reason, request)]
    changes = {}
    if order.refundable and order.payment_id:
        amount = Money(amount=order.refundable, currency=order.agreed_terms.total.currency)
        key = RefundKey.of_cancellation()
        due = RefundDue(order.payment_id, amount, RefundReason(reason.value))
        entries.append(refund_due_entry(now, key, due))
        changes["refunds_due"] = {**order.refunds_due, key: due}
    return order.transitioned(Transition.CANCEL, *entries, reason=reason, **changes)


def expire(order: Order, now: datetime) -> Order:
    """Expire an order whose deadline has passed. Raises IllegalTransition, also before the deadline."""
    if order.expires_at is None or order.expires_at > now:
        raise IllegalTransition("The order's deadline has not passed.", status_now=order.status.value)
    expired = Entry(now, TimelineEvent.EXPIRED, "system")
    return order.transitioned(Transition.EXPIRE, expired, reason=CancelReason.PAYMENT_OVERDUE)
