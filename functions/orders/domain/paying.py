"""Money that comes in, money that goes back: what an order makes of what payments say."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from orders.domain.errors import OrderNotPlacedError
from orders.domain.orders import Order, PaymentTotals, RefundDue
from orders.domain.timeline import Entry, TimelineEvent, has_room
from orders.domain.transitions import TRANSITIONS, Status, Transition
from shared.values.money import Money
from shared.values.money_format import format_money

KEPT = frozenset({Status.PAID, Status.PARTIALLY_SHIPPED, Status.SHIPPED, Status.DELIVERED})
LAPSED = "the hold on the card ended before it was shipped"


@dataclass(frozen=True)
class PaymentUpdate:
    """A payment's sums as payments told them at its `version`: `secured` came in or is held on the card,
    `captured` came in, `refunded` went back; all of them in all."""

    payment_id: str
    version: int
    secured: Money
    captured: Money
    refunded: Money


def take_payment(order: Order, told: PaymentUpdate, now: datetime) -> Order:
    """Money came in or is held: the order is paid, or it is due back; the same order when it was known.

    Where nothing came in by the payment that it was paid with, one that has the money takes its place, or a
    newer one that holds it (the first hold runs out). Raises OrderNotPlacedError while the order is pending.
    """
    heard = _heard(order, told, now)
    return _when_all_is_back(_taken(heard, told, now), now).after(order)


def note_sums(order: Order, told: PaymentUpdate, now: datetime) -> Order:
    """More came in, or went back, or turned out not to have gone back; the same order when it was known.

    Raises OrderNotPlacedError while the order is pending.
    """
    return _when_all_is_back(_heard(order, told, now), now).after(order)


def note_refund_failed(order: Order, told: PaymentUpdate, lost: Money, event_id: str, now: datetime) -> Order:
    """So much did not get back to the shopper after all, as this event tells. An order that was `refunded`
    stays so: who reads its timeline sees that the money is still owed. Raises as `note_sums`."""
    detail = f"{format_money(lost)} of {told.payment_id} did not arrive"
    failed = Entry(now, TimelineEvent.REFUND_FAILED, "stripe", detail, event_id)
    return _when_all_is_back(_heard(order, told, now).with_notes(failed), now).after(order)


def note_void(order: Order, told: PaymentUpdate, now: datetime) -> Order:
    """What was held is let go of: an order of which nothing came in and nothing left is cancelled. What left
    in part waits for staff. Raises OrderNotPlacedError while the order is pending.
    """
    heard = _heard(order, told, now)
    known = heard.totals_of(told.payment_id)
    if known.voided:
        return heard.after(order)
    voided = replace(known, version=max(known.version, told.version), voided=True)
    heard = heard.changed(payment_totals={**heard.payment_totals, told.payment_id: voided})
    if told.payment_id == heard.payment_id:
        heard = heard.with_notes(Entry(now, TimelineEvent.VOIDED, "stripe", told.payment_id, told.payment_id))
        if heard.status is Status.PAID and not heard.captured:
            # Empty will be paid and nothing left the shelf: stock and coupon come back.
            lapsed = Entry(now, TimelineEvent.CANCELLED, "system", LAPSED)
            heard = heard.transitioned(Transition.CANCEL, lapsed, reason=LAPSED)
    return _when_all_is_back(heard, now).after(order)


def is_short(order: Order) -> bool:
    """Whether goods left, or will, for which no more money comes in: staff must see to it."""
    return order.status in KEPT and order.amount_receivable < order.agreed.total.amount


def note(order: Order, kind: TimelineEvent, actor: str, detail: str, ref: str, now: datetime) -> Order:
    """A line on the timeline and nothing else; the same order where it stands there, or there is no room."""
    return order.with_notes(Entry(now, kind, actor, detail, ref))


def note_failed_payment(order: Order, reason: str, event_id: str, now: datetime) -> Order:
    """A try to pay failed; the same order when that is noted already or no longer matters."""
    if order.status is not Status.AWAITING_PAYMENT:
        return order
    return order.with_notes(Entry(now, TimelineEvent.PAYMENT_FAILED, "stripe", reason, event_id))


def due_entry(now: datetime, key: str, amount: Money, reason: str) -> Entry:
    """The line of a timeline that says that money must go back."""
    return Entry(now, TimelineEvent.REFUND_DUE, "system", f"{format_money(amount)}: {reason}", key)


def _heard(order: Order, told: PaymentUpdate, now: datetime) -> Order:
    """The order with the payment's sums as they are told, unless a later version of them was heard before."""
    if order.status is Status.PENDING:
        raise OrderNotPlacedError(order.order_id)
    known = order.totals_of(told.payment_id)
    if told.version <= known.version:
        return order
    new = replace(known, captured=told.captured.amount, refunded=told.refunded.amount, version=told.version)
    entries = []
    if told.payment_id == order.payment_id and new.captured > known.captured:
        entries.append(_sum_entry(now, TimelineEvent.CAPTURED, new.captured - known.captured, told))
    if new.refunded > known.refunded:
        entries.append(_sum_entry(now, TimelineEvent.REFUND_MADE, new.refunded - known.refunded, told))
    entries = [entry for entry in entries if has_room(order.timeline, entry)]
    return order.changed(*entries, payment_totals={**order.payment_totals, told.payment_id: new})


def _taken(order: Order, told: PaymentUpdate, now: datetime) -> Order:
    key, account = f"{told.payment_id}:late", order.totals_of(told.payment_id)
    if told.payment_id == order.payment_id or key in order.refunds_due or _is_over(order, told, account):
        return order
    in_full = order.terms is not None and told.secured == order.terms.total
    if order.status is Status.AWAITING_PAYMENT and in_full:
        paid = Entry(now, TimelineEvent.PAID, "stripe", told.payment_id)
        return order.transitioned(Transition.PAY, paid, payment_id=told.payment_id)
    if in_full and _takes_over(order, told.payment_id, account):
        renewed = Entry(now, TimelineEvent.RENEWED, "stripe", told.payment_id)
        return order.changed(renewed, payment_id=told.payment_id)
    left = Money(amount=told.secured.amount - account.refunded, currency=told.secured.currency)
    if left.amount <= 0:
        return order
    reason = "amount differs" if order.status is Status.AWAITING_PAYMENT else f"order was {order.status}"
    due = {**order.refunds_due, key: RefundDue(told.payment_id, left, reason)}
    return order.changed(due_entry(now, key, left, reason), refunds_due=due)


def _is_over(order: Order, told: PaymentUpdate, account: PaymentTotals) -> bool:
    """Whether nothing came in by it and nothing can: it was let go of, or gave its place to a newer one."""
    replaced = any(
        entry.type in (TimelineEvent.PAID, TimelineEvent.RENEWED) and entry.detail == told.payment_id
        for entry in order.timeline
    )
    return not account.captured and (account.voided or replaced)


def _takes_over(order: Order, payment_id: str, account: PaymentTotals) -> bool:
    """Whether the order is paid by this one from here on: of two holds payments keeps the newer, unless the
    older was captured meanwhile. Ids of payments sort by the time they were made."""
    if order.payment_id is None or order.captured or order.status not in KEPT:
        return False
    return account.captured > 0 or payment_id > order.payment_id


def _when_all_is_back(order: Order, now: datetime) -> Order:
    """The order as refunded, where all that was paid for it has gone back and it was not given up before."""
    if order.payment_id is None or Transition.REFUND not in TRANSITIONS[order.status]:
        return order
    if not order.refunded or order.refunded < order.amount_receivable:
        return order
    back = Money(amount=order.refunded, currency=order.agreed.total.currency)
    entries = [Entry(now, TimelineEvent.REFUNDED, "system", format_money(back))]
    changes: dict[str, Any] = {}
    if not order.fulfilments:
        # Empty left the shelf, and nothing will: as with a cancellation, stock and coupon come back.
        reason = "its payment was given back"
        entries.insert(0, Entry(now, TimelineEvent.CANCELLED, "system", reason))
        changes = {"reason": reason, "redeemed": (), "released": order.redeemed}
    return order.transitioned(Transition.REFUND, *entries, **changes)


def _sum_entry(now: datetime, kind: TimelineEvent, amount: int, told: PaymentUpdate) -> Entry:
    money = Money(amount=amount, currency=told.captured.currency)
    return Entry(now, kind, "stripe", f"{format_money(money)} of {told.payment_id}")
