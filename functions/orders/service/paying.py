"""Events of payments and notify, applied to the order that they concern."""

from collections.abc import Callable

from orders.domain import paying
from orders.domain.orders import Order, RefundKey
from orders.domain.paying import PaymentUpdate
from orders.domain.timeline import Entry, TimelineEvent
from orders.domain.transitions import Status
from orders.service.updating import update_order
from orders.tables import orders
from shared.contracts.events.notify import NotificationBounced
from shared.contracts.events.payments import (
    DisputeData,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentData,
    PaymentDisputed,
    PaymentExpiring,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentReviewed,
    PaymentSucceeded,
    PaymentVoided,
    ReviewData,
)
from shared.contracts.reasons import cardholder_reason
from shared.runtime import clock
from shared.runtime.observability import count, log
from shared.values.money import Money
from shared.values.money_format import format_money
from shared.values.text import one_line

MAX_CODE_LENGTH = 100  # characters of others' texts; up to 150 such entries share the order's row

PaymentEvent = (
    PaymentAuthorized
    | PaymentSucceeded
    | PaymentCaptured
    | PaymentRefunded
    | PaymentRefundFailed
    | PaymentVoided
)
OfOrder = PaymentData | DisputeData | ReviewData


def take_payment(event: PaymentAuthorized | PaymentSucceeded) -> None:
    """Mark the order as paid, or refund the payment. Raises OrderNotPlacedError, NotFound."""
    update = _update_of(event)
    order = _update(event.data, lambda order: paying.apply_payment(order, update, clock.now()))
    key = RefundKey.of_late_payment(update.payment_id)
    if order.status is Status.AWAITING_PAYMENT and key in order.refunds_due:
        log.error("payment amount mismatched", extra=_ids(event))
        count("PaymentAmountDiffers")


def store_totals(event: PaymentCaptured | PaymentRefunded) -> None:
    """Store the payment's totals. Raises OrderNotPlacedError, NotFound."""
    update = _update_of(event)
    _update(event.data, lambda order: paying.apply_totals(order, update, clock.now()))


def store_failed_refund(event: PaymentRefundFailed) -> None:
    """Store the payment's totals and note the failed refund. Raises OrderNotPlacedError, NotFound."""
    update = _update_of(event)
    failed = event.data.failed_refund_amount or Money.zero(event.data.amount.currency)
    _update(
        event.data,
        lambda order: paying.apply_failed_refund(order, update, failed, event.id, clock.now()),
    )


def store_void(event: PaymentVoided) -> None:
    """Store that the payment captures nothing more. Raises OrderNotPlacedError, NotFound."""
    update = _update_of(event)

    def rule(order: Order) -> Order:
        voided = paying.apply_void(order, update, clock.now())
        if voided is not order and paying.is_underpaid(voided):
            log.error("authorization voided before full capture", extra=_ids(event))
            count("OrdersPaidInPart")
        return voided

    _update(event.data, rule)


def note_decline(event: PaymentFailed) -> None:
    """Note a failed payment; the order stays payable. Raises NotFound."""
    code = _decline_code(event.data.reason)
    _update(event.data, lambda order: paying.apply_decline(order, code, event.id, clock.now()))


def note_expiring(event: PaymentExpiring) -> None:
    """Note that the payment's authorization expires soon. Raises NotFound."""
    payment = event.data
    until = f", authorized until {payment.hold_until:%d %B %Y %H:%M} UTC" if payment.hold_until else ""
    detail = f"{payment.payment_id}{until}"
    _note(payment, TimelineEvent.EXPIRING, "stripe", detail, payment.payment_id)


def note_failed_capture(event: PaymentCaptureFailed) -> None:
    """Note that shipped goods could not be charged. Raises NotFound."""
    detail = f"{event.data.payment_id}: {_decline_code(event.data.reason)}"
    _note(event.data, TimelineEvent.CAPTURE_FAILED, "stripe", detail, event.id)


def note_dispute(event: PaymentDisputed) -> None:
    """Note that a dispute was opened, changed, won or lost. Raises NotFound."""
    dispute = event.data
    due = f", evidence due by {dispute.evidence_due:%d %B %Y}" if dispute.evidence_due else ""
    detail = f"{_code(dispute.status)}: {format_money(dispute.amount)}, {_code(dispute.reason)}{due}"
    _note(dispute, TimelineEvent.DISPUTED, "stripe", detail, event.id)


def note_review(event: PaymentReviewed) -> None:
    """Note that a fraud review was opened or closed. Raises NotFound."""
    _note(event.data, TimelineEvent.REVIEWED, "stripe", _code(event.data.status), event.id)


def note_bounce(event: NotificationBounced) -> None:
    """Note an undelivered notification; ignore one that concerns no order. Raises NotFound."""
    notification = event.data
    if notification.order_id is None:
        return
    instead = f", sent by {_code(notification.instead)} instead" if notification.instead else ""
    parts = map(_code, (notification.template, notification.channel, notification.status))
    entry = Entry(clock.now(), TimelineEvent.BOUNCED, "system", f"{' '.join(parts)}{instead}", event.id)
    order_id = notification.order_id
    update_order(lambda: orders.find_any(order_id), lambda order: order.with_notes(entry))


def _note(of: OfOrder, kind: TimelineEvent, actor: str, detail: str, ref: str) -> None:
    """Add a note to the order's timeline, unless it is there or there is no room."""
    _update(of, lambda order: order.with_notes(Entry(clock.now(), kind, actor, detail, ref)))


def _update(of: OfOrder, rule: Callable[[Order], Order]) -> Order:
    """Update the order of a payment's event, which names the owner, so that no index is queried."""
    return update_order(lambda: orders.find(of.user_id, of.order_id), rule)


def _update_of(event: PaymentEvent) -> PaymentUpdate:
    payment = event.data
    return PaymentUpdate(
        payment.payment_id, event.sequence, payment.secured, payment.captured, payment.refunded
    )


def _decline_code(reason: str | None) -> str:
    """Return the code as the timeline shows it, which is visible to the cardholder."""
    return _code(cardholder_reason(reason))


def _code(text: str) -> str:
    return one_line(text, MAX_CODE_LENGTH)


def _ids(event: PaymentEvent) -> dict[str, str]:
    return {"order_id": event.data.order_id, "payment_id": event.data.payment_id}
