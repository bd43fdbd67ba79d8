"""What payments says of an order's money, and notify of its mails."""

from orders.domain import paying
from orders.domain.orders import Order
from orders.domain.paying import PaymentUpdate
from orders.domain.timeline import TimelineEvent
from orders.domain.transitions import Status
from orders.service.updating import update_order
from orders.tables import orders
from shared.contracts.events import DisputeData, NotificationData, PaymentData, ReviewData
from shared.runtime import clock
from shared.runtime.observability import count, log
from shared.values.money import Money
from shared.values.money_format import format_money
from shared.values.text import one_line

MAX_WORDS = 100  # characters of others' words in a line: a hundred such lines share the order's row


def take_payment(facts: PaymentData, version: int) -> None:
    """A payment came in or is held. Raises OrderNotPlacedError, NotFound: the message comes again."""
    told = _told(facts, version)
    order = update_order(
        lambda: orders.find_any(facts.order_id), lambda order: paying.take_payment(order, told, clock.now())
    )
    if order.status is Status.AWAITING_PAYMENT and f"{facts.payment_id}:late" in order.refunds_due:
        log.error("a payment of another sum than the order's", extra={"order_id": facts.order_id})
        count("PaymentAmountDiffers")


def note_sums(facts: PaymentData, version: int) -> None:
    """More came in or went back. Raises OrderNotPlacedError, NotFound: the message comes again."""
    told = _told(facts, version)
    update_order(
        lambda: orders.find_any(facts.order_id), lambda order: paying.note_sums(order, told, clock.now())
    )


def note_refund_failed(facts: PaymentData, version: int, event_id: str) -> None:
    """A refund did not get through, at once or after it was told. Raises OrderNotPlacedError, NotFound."""
    told = _told(facts, version)
    lost = facts.failed_refund_amount or Money.zero(facts.amount.currency)
    update_order(
        lambda: orders.find_any(facts.order_id),
        lambda order: paying.note_refund_failed(order, told, lost, event_id, clock.now()),
    )


def note_void(facts: PaymentData, version: int) -> None:
    """What was held is let go of. Raises OrderNotPlacedError, NotFound: the message comes again."""
    told = _told(facts, version)

    def rule(order: Order) -> Order:
        voided = paying.note_void(order, told, clock.now())
        if voided is not order and paying.is_short(voided):
            log.error(
                "a hold ended, and not all of what left or may still leave is paid for", extra=_named(facts)
            )
            count("OrdersPaidInPart")
        return voided

    update_order(lambda: orders.find_any(facts.order_id), rule)


def note_expiring(facts: PaymentData) -> None:
    """A hold lapses soon. Raises NotFound."""
    until = f", held until {facts.capture_before:%d %B %Y %H:%M} UTC" if facts.capture_before else ""
    _note(facts.order_id, TimelineEvent.EXPIRING, "stripe", f"{facts.payment_id}{until}", facts.payment_id)


def note_capture_failed(facts: PaymentData, event_id: str) -> None:
    """Goods left and their money could not be captured. Raises NotFound."""
    detail = f"{facts.payment_id}: {_words(facts.reason or 'refused')}"
    _note(facts.order_id, TimelineEvent.CAPTURE_FAILED, "stripe", detail, event_id)


def note_failed_payment(facts: PaymentData, event_id: str) -> None:
    """A payment failed; the order waits on."""
    reason = _words(facts.reason or "declined")
    update_order(
        lambda: orders.find_any(facts.order_id),
        lambda order: paying.note_failed_payment(order, reason, event_id, clock.now()),
    )


def note_dispute(facts: DisputeData, event_id: str) -> None:
    """A dispute was opened, changed, won or lost. Raises NotFound."""
    status, reason = _words(facts.status), _words(facts.reason)
    until = f", evidence is due by {facts.evidence_due:%d %B %Y}" if facts.evidence_due else ""
    detail = f"{status}: {format_money(facts.amount)}, {reason}{until}"
    _note(facts.order_id, TimelineEvent.DISPUTED, "stripe", detail, event_id)


def note_review(facts: ReviewData, event_id: str) -> None:
    """A person at the shop should look, or has looked. Raises NotFound."""
    _note(facts.order_id, TimelineEvent.REVIEWED, "stripe", _words(facts.status), event_id)


def note_bounced(facts: NotificationData, event_id: str) -> None:
    """A mail of an order did not reach its reader; one that is about no order is nothing to us. Raises
    NotFound."""
    if facts.order_id is None:
        return
    instead = f"; told by {_words(facts.instead)}" if facts.instead else ""
    what = f"{_words(facts.template)} by {_words(facts.channel)}"
    detail = f"{what} could not be delivered ({_words(facts.status)}){instead}"
    _note(facts.order_id, TimelineEvent.BOUNCED, "system", detail, event_id)


def _note(order_id: str, kind: TimelineEvent, actor: str, detail: str, ref: str) -> None:
    update_order(
        lambda: orders.find_any(order_id),
        lambda order: paying.note(order, kind, actor, detail, ref, clock.now()),
    )


def _told(facts: PaymentData, version: int) -> PaymentUpdate:
    return PaymentUpdate(facts.payment_id, version, facts.secured, facts.captured, facts.refunded)


def _words(text: str) -> str:
    return one_line(text.replace("_", " "), MAX_WORDS)


def _named(facts: PaymentData) -> dict[str, str]:
    return {"order_id": facts.order_id, "payment_id": facts.payment_id}
