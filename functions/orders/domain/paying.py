"""Money that comes in, money that goes back: what an order makes of what payments say."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from orders.domain.moves import MOVES, Move, Status
from orders.domain.orders import MAX_DECLINES, Entry, H, Order, RefundDue
from orders.domain.refusals import NotYetPlaced
from shared.money import Money


def take_payment(order: Order, payment_id: str, amount: Money, now: datetime) -> Order:
    """A payment succeeded: the order is paid, or the money is due back; the same order when it was known.

    Raises NotYetPlaced while the order is pending.
    """
    if order.status is Status.PENDING:
        raise NotYetPlaced(order.order_id)
    key = f"{payment_id}:late"
    if payment_id == order.payment_id or key in order.refunds_due:
        return order
    if order.status is Status.AWAITING_PAYMENT and order.terms and amount == order.terms.total:
        paid = order.moved(Move.PAY, Entry(now, H.PAID, "stripe", payment_id), payment_id=payment_id)
        return _when_all_is_back(paid, now)
    left = Money(amount=amount.amount - order.given_back.get(payment_id, 0), currency=amount.currency)
    if left.amount <= 0:
        return order
    reason = "amount differs" if order.status is Status.AWAITING_PAYMENT else f"order was {order.status}"
    due = {**order.refunds_due, key: RefundDue(payment_id, left, reason)}
    return order.changed(due_entry(now, key, left, reason), refunds_due=due)


def note_failed_payment(order: Order, reason: str, event_id: str, now: datetime) -> Order:
    """A try to pay failed; the same order when that is noted already or no longer matters."""
    noted = [entry.ref for entry in order.timeline if entry.type is H.PAYMENT_FAILED]
    if order.status is not Status.AWAITING_PAYMENT or event_id in noted or len(noted) >= MAX_DECLINES:
        return order
    return order.changed(Entry(now, H.PAYMENT_FAILED, "stripe", reason, event_id))


def note_refund(order: Order, payment_id: str, refunded: Money, now: datetime) -> Order:
    """So much of a payment is back in all; the same order when that, or more, was known.

    Raises NotYetPlaced while the order is pending.
    """
    if order.status is Status.PENDING:
        raise NotYetPlaced(order.order_id)
    known = order.given_back.get(payment_id, 0)
    if refunded.amount <= known:
        return order
    back = Money(amount=refunded.amount - known, currency=refunded.currency)
    noted = order.changed(
        Entry(now, H.MONEY_BACK, "stripe", f"{back.amount} {back.currency} of {payment_id}"),
        given_back={**order.given_back, payment_id: refunded.amount},
    )
    return _when_all_is_back(noted, now)


def _when_all_is_back(order: Order, now: datetime) -> Order:
    """The order as refunded, where all that was paid for it has gone back and it was not given up before."""
    if order.payment_id is None or Move.REFUND not in MOVES[order.status]:
        return order
    total = order.agreed.total
    if order.refunded < total.amount:
        return order
    entries = [Entry(now, H.REFUNDED, "system", f"{total.amount} {total.currency}")]
    changes: dict[str, Any] = {}
    if not order.fulfilments:
        # Nothing left the shelf, and nothing will: as with a cancellation, stock and coupon come back.
        reason = "its payment was given back"
        entries.insert(0, Entry(now, H.CANCELLED, "system", reason))
        changes = {"reason": reason, "redeemed": (), "released": order.redeemed}
    refunded = order.moved(Move.REFUND, *entries, **changes)
    return replace(refunded, version=order.version)  # one change, one write


def due_entry(now: datetime, key: str, amount: Money, reason: str) -> Entry:
    """The line of a timeline that says that money must go back."""
    return Entry(now, H.REFUND_DUE, "system", f"{amount.amount} {amount.currency}: {reason}", key)
