"""The effects of payments on an order: paid, refunded, voided, declined."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders.domain.errors import OrderNotPlacedError
from orders.domain.orders import Order, PaymentTotals, RefundDue, RefundKey
from orders.domain.timeline import Entry, TimelineEvent, has_room
from orders.domain.transitions import TRANSITIONS, Status, Transition
from shared.contracts.reasons import CancelReason, RefundReason
from shared.values.money import Money
from shared.values.money_format import format_money

ACTIVE = frozenset({Status.PAID, Status.PARTIALLY_SHIPPED, Status.SHIPPED, Status.DELIVERED})


@dataclass(frozen=True)
class PaymentUpdate:
    """The totals of a payment at its `version`; `secured` is captured or authorized."""

    payment_id: str
    version: int
    secured: Money
    captured: Money
    refunded: Money


def apply_payment(order: Order, update: PaymentUpdate, now: datetime) -> Order:
    """Mark the order as paid by a captured or authorized payment, or make the payment due for refund.

    If nothing was captured of the order's payment, it is replaced by a captured payment, or by a newer
    authorized one (the older authorization is about to expire). Return the same order if the update is known.
    Raises OrderNotPlacedError while the order is pending.
    """
    updated = _accept_or_refund(_with_totals(order, update, now), update, now)
    return _close_if_refunded(updated, now).as_one_change(order)


def apply_totals(order: Order, update: PaymentUpdate, now: datetime) -> Order:
    """Store what was captured and refunded. Return the same order if the update is known.

    Raises OrderNotPlacedError while the order is pending.
    """
    return _close_if_refunded(_with_totals(order, update, now), now).as_one_change(order)


def apply_failed_refund(
    order: Order, update: PaymentUpdate, failed: Money, event_id: str, now: datetime
) -> Order:
    """Store that the refund of `failed` failed. An order that was `refunded` keeps its status; its timeline
    shows the failure. Raises OrderNotPlacedError while the order is pending.
    """
    detail = f"{format_money(failed)} of {update.payment_id}"
    entry = Entry(now, TimelineEvent.REFUND_FAILED, "stripe", detail, event_id)
    updated = _with_totals(order, update, now).with_notes(entry)
    return _close_if_refunded(updated, now).as_one_change(order)


def apply_void(order: Order, update: PaymentUpdate, now: datetime) -> Order:
    """Store that the payment's authorization was voided.

    This cancels a paid order if nothing was captured or shipped; a shipped one is left to staff (see
    `is_underpaid`). Raises OrderNotPlacedError while the order is pending.
    """
    updated = _with_totals(order, update, now)
    totals = updated.totals_of(update.payment_id)
    if totals.voided:
        return updated.as_one_change(order)
    voided = totals._replace(version=max(totals.version, update.version), voided=True)
    updated = updated.changed(payment_totals={**updated.payment_totals, update.payment_id: voided})
    if update.payment_id == updated.payment_id:
        note = Entry(now, TimelineEvent.VOIDED, "stripe", update.payment_id, update.payment_id)
        updated = updated.with_notes(note)
        if updated.status is Status.PAID and not updated.captured:
            reason = CancelReason.AUTHORIZATION_EXPIRED
            entry = Entry(now, TimelineEvent.CANCELLED, "system", reason)
            updated = updated.transitioned(Transition.CANCEL, entry, reason=reason)
    return _close_if_refunded(updated, now).as_one_change(order)


def apply_decline(order: Order, code: str, event_id: str, now: datetime) -> Order:
    """Add a failed payment to the timeline; return the same order if it is known or no longer relevant."""
    if order.status is not Status.AWAITING_PAYMENT:
        return order
    return order.with_notes(Entry(now, TimelineEvent.PAYMENT_FAILED, "stripe", code, event_id))


def is_underpaid(order: Order) -> bool:
    """Return whether goods were or will be shipped for which no payment can arrive: staff must act."""
    return order.status in ACTIVE and order.amount_receivable < order.agreed_terms.total.amount


def refund_due_entry(now: datetime, key: RefundKey, due: RefundDue) -> Entry:
    """Return the timeline entry of a refund that becomes due."""
    detail = f"{format_money(due.amount)}, {due.reason}"
    return Entry(now, TimelineEvent.REFUND_DUE, "system", detail, key)


def _with_totals(order: Order, update: PaymentUpdate, now: datetime) -> Order:
    """Return the order with the payment's totals, unless it already has the same or a later version."""
    if order.status is Status.PENDING:
        raise OrderNotPlacedError(order.order_id)
    old = order.totals_of(update.payment_id)
    if update.version <= old.version:
        return order
    new = old._replace(
        captured=update.captured.amount, refunded=update.refunded.amount, version=update.version
    )
    entries = []
    if update.payment_id == order.payment_id and new.captured > old.captured:
        entries.append(_amount_entry(now, TimelineEvent.CAPTURED, new.captured - old.captured, update))
    if new.refunded > old.refunded:
        entries.append(_amount_entry(now, TimelineEvent.REFUND_MADE, new.refunded - old.refunded, update))
    entries = [entry for entry in entries if has_room(order.timeline, entry)]
    return order.changed(*entries, payment_totals={**order.payment_totals, update.payment_id: new})


def _accept_or_refund(order: Order, update: PaymentUpdate, now: datetime) -> Order:
    """Return the order as paid by this payment; otherwise with the payment due for refund."""
    key, totals = RefundKey.of_late_payment(update.payment_id), order.totals_of(update.payment_id)
    if update.payment_id == order.payment_id or key in order.refunds_due or _is_over(order, update, totals):
        return order
    in_full = order.terms is not None and update.secured == order.terms.total
    if order.status is Status.AWAITING_PAYMENT and in_full:
        paid = Entry(now, TimelineEvent.PAID, "stripe", update.payment_id)
        return order.transitioned(Transition.PAY, paid, payment_id=update.payment_id)
    if in_full and _replaces_payment(order, update.payment_id, totals):
        renewed = Entry(now, TimelineEvent.RENEWED, "stripe", update.payment_id)
        return order.changed(renewed, payment_id=update.payment_id)
    amount = Money(amount=update.secured.amount - totals.refunded, currency=update.secured.currency)
    if amount.amount <= 0:
        return order
    is_payable = order.status is Status.AWAITING_PAYMENT
    reason = RefundReason.AMOUNT_MISMATCH if is_payable else RefundReason.ORDER_NOT_PAYABLE
    due = RefundDue(update.payment_id, amount, reason)
    return order.changed(refund_due_entry(now, key, due), refunds_due={**order.refunds_due, key: due})


def _is_over(order: Order, update: PaymentUpdate, totals: PaymentTotals) -> bool:
    """Return whether the payment captured nothing and never will: it was voided or replaced."""
    was_accepted = any(
        entry.type in (TimelineEvent.PAID, TimelineEvent.RENEWED) and entry.detail == update.payment_id
        for entry in order.timeline
    )
    return not totals.captured and (totals.voided or was_accepted)


def _replaces_payment(order: Order, payment_id: str, totals: PaymentTotals) -> bool:
    """Return whether this payment replaces the order's: of two authorizations payments keeps the newer,
    unless the older was captured. Payment ids sort by creation time."""
    if order.payment_id is None or order.captured or order.status not in ACTIVE:
        return False
    return totals.captured > 0 or payment_id > order.payment_id


def _close_if_refunded(order: Order, now: datetime) -> Order:
    """Return the order as `refunded` if its payment was refunded in full and it was not closed before."""
    if order.payment_id is None or Transition.REFUND not in TRANSITIONS[order.status]:
        return order
    if not order.refunded or order.refunded < order.amount_receivable:
        return order
    refunded = Money(amount=order.refunded, currency=order.agreed_terms.total.currency)
    entries = [Entry(now, TimelineEvent.REFUNDED, "system", format_money(refunded))]
    changes: dict[str, Any] = {}
    if not order.fulfilments:
        # Nothing was shipped and nothing will be: stock and coupon are released, as by a cancellation.
        reason = CancelReason.PAYMENT_REFUNDED
        entries.insert(0, Entry(now, TimelineEvent.CANCELLED, "system", reason))
        changes = {"reason": reason, "redeemed": (), "released": order.redeemed}
    return order.transitioned(Transition.REFUND, *entries, **changes)


def _amount_entry(now: datetime, kind: TimelineEvent, amount: int, update: PaymentUpdate) -> Entry:
    money = Money(amount=amount, currency=update.captured.currency)
    return Entry(now, kind, "stripe", f"{format_money(money)} of {update.payment_id}")
