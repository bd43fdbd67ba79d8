"""Samples of every notification, and difficult ones: long, right-to-left and hostile."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from localstack.mail.sample_data import AT, OWNER, SampleData, gbp, totals
from notify.domain.messages import Category, Message, Template
from notify.domain.staff_messages import staff_message
from notify.schemas import SendEmail
from notify.service.notifications import NOTIFICATIONS
from shared.contracts.events.envelope import Event, EventData
from shared.contracts.events.orders import (
    OrderCancelled,
    OrderDelivered,
    OrderExpired,
    OrderInvoiced,
    OrderPaid,
    OrderReturnDecided,
    OrderReturned,
    OrderShipped,
)
from shared.contracts.events.payments import (
    PaymentCaptureFailed,
    PaymentDisputed,
    PaymentExpiring,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentReviewed,
    PaymentsUnreconciled,
)
from shared.contracts.events.users import UserRegistered
from shared.contracts.reasons import CancelReason

# Markup, a link, a direction override, a second line and a template's own brackets, in one.
HOSTILE = (
    '</td></table><img src="https://evil.example/x.png" onerror=alert(1)>\r\nBcc: all@evil.example '
    "\u202egpj.exe <a href='https://evil.example'>click</a> {{ 7 * 7 }} www.evil.example"
)
UNSUBSCRIBE_URL = "https://api.tillstack.example/notifications/unsubscribe?token=eyJhbGciOi&x=<y>"

WRITTEN, DIFFICULT = "Written by staff", "Difficult cases"
GROUPS = {"user": "Accounts", "order": "Orders", "payment": "Payments"}


@dataclass(frozen=True)
class Sample:
    """A message to preview; `name` is its template, with a suffix for a variant and for a difficult one."""

    name: str
    message: Message
    group: str


def samples() -> list[Sample]:
    """Return a sample of every template, then the difficult ones.

    The service's own code builds every message, from an event or from a validated request of staff.
    """
    data = SampleData()
    plain = [
        Sample(name_of(message), message, group_of(event, message))
        for event in events(data)
        for message in built(event)
    ]
    by_staff = written(data.staff_email())
    return [*plain, Sample(by_staff.template.value, by_staff, WRITTEN), *_difficult()]


def messages(text: str | None = None) -> Iterator[Message]:
    """Yield a message of every template. `text` replaces every untrusted text in it."""
    data = SampleData(text)
    for event in events(data):
        yield from built(event)
    yield written(data.staff_email())


def built(event: Event) -> list[Message]:
    """Return the messages that the event causes."""
    found = [build(event) for build in NOTIFICATIONS[type(event)]]
    return [message for message in found if message]


def written(body: SendEmail) -> Message:
    """Return the message that staff request with this body."""
    category = Category(body.category)
    return staff_message(
        "msg_1",
        user_id=OWNER["user_id"],
        to=body.to,
        subject=body.subject,
        text=body.text,
        html=body.html,
        category=category,
        unsubscribe_url=UNSUBSCRIBE_URL if category is Category.MARKETING else "",
    )


def name_of(message: Message) -> str:
    has_invoice = message.template is Template.ORDER_CONFIRMATION and message.invoice
    return f"{message.template}-with-invoice" if has_invoice else message.template.value


def group_of(event: Event, message: Message) -> str:
    if message.category is Category.INTERNAL:
        return "Alerts to staff"
    return GROUPS[event.type.partition(".")[0]]


def events(data: SampleData) -> Iterator[Event]:
    """Yield events that cause every message of the table at least once."""
    cancel_reason = data.text_or(CancelReason.REQUESTED_BY_SHOP)
    yield event(UserRegistered, data.user())
    yield event(OrderPaid, data.order())
    yield event(OrderExpired, data.order(status="expired"))
    yield event(OrderCancelled, data.order(status="cancelled", reason=cancel_reason))
    yield event(OrderShipped, data.fulfilment())
    yield event(OrderDelivered, data.order(status="delivered"))
    yield event(OrderInvoiced, data.invoice())
    yield event(OrderReturnDecided, data.return_())
    yield event(OrderReturnDecided, data.return_(status="rejected"))
    yield event(OrderReturned, data.return_(status="received", refund=gbp(590)))
    yield event(PaymentFailed, data.payment())
    yield event(PaymentExpiring, data.payment())
    yield event(PaymentRefunded, data.payment(refund_amount=gbp(590), refunded=gbp(1885)))
    yield event(
        PaymentRefundFailed, data.payment(failed_refund_amount=gbp(590), reason=data.text_or("declined"))
    )
    yield event(PaymentDisputed, data.dispute("needs_response"))
    yield event(PaymentDisputed, data.dispute("needs_response", timedelta(days=2)))
    yield event(PaymentDisputed, data.dispute("won", None, withheld=gbp(0)))
    yield event(PaymentDisputed, data.dispute("lost", None))
    yield event(PaymentReviewed, data.review())
    yield event(PaymentCaptureFailed, data.payment(reason=data.text_or("charge_expired_for_capture")))
    yield event(PaymentsUnreconciled, data.reconciliation())


def event(kind: type[Event], data: EventData) -> Event:
    return kind.of(data, subject="sample", version=7, at=AT)


def _difficult() -> list[Sample]:
    plain, hostile = SampleData(), SampleData(HOSTILE)
    many = [(f"Print no. {number}, framed", f"PRINT-{number:03}", 1, 1999) for number in range(1, 61)]
    wordy = [
        ("Hand-thrown porcelain " * 9, "A" * 64, 999, 9_999_999),
        ("Ünïcödé 🏺 vase", "VASE-🏺", 1, 4500),
    ]
    rtl = [("מנורת שולחן מפליז (LED, 12W)", "LAMP-HE", 1, 8900), ("مصباح نحاسي", "LAMP-AR", 2, 7900)]
    inquiry = plain.dispute("warning_needs_response", withheld=gbp(0))
    complete = plain.fulfilment(fully_shipped=True, carrier=None, tracking=None)
    from_events = {
        "order_confirmation-60-lines": event(OrderPaid, plain.order(**totals(many))),
        "order_confirmation-wordy": event(OrderPaid, plain.order(**totals(wordy))),
        "order_confirmation-rtl": event(OrderPaid, plain.order(**totals(rtl))),
        "order_confirmation-hostile": event(OrderPaid, hostile.order()),
        "order_shipped-hostile": event(OrderShipped, hostile.fulfilment()),
        "order_shipped-complete": event(OrderShipped, complete),
        "welcome-rtl": event(UserRegistered, plain.user(name="عائشة بنت محمد 🌙")),
        "welcome-link": event(UserRegistered, plain.user(name="Win at www.evil.example")),
        "dispute_opened-inquiry": event(PaymentDisputed, inquiry),
    }
    html = (
        "<p>Dear Ada,</p><p>the shade will arrive <strong>a week late</strong>.</p><ul><li>grey: here</li>"
        "<li>white: <a href='https://shop.tillstack.example/lamps'>see it</a></li></ul>"
        "<script>alert(1)</script>"
    )
    offer = plain.staff_email(
        subject="Lamps, 10% off until Sunday",
        text="Dear Ada,\n\nall lamps are 10% off until Sunday.",
        category="marketing",
    )
    by_staff = {
        "staff_message-html": plain.staff_email(subject="Your lamp", text="Dear Ada,", html=html),
        "staff_message-offer": offer,
    }
    return [
        *(Sample(name, built(cause)[0], DIFFICULT) for name, cause in from_events.items()),
        *(Sample(name, written(body), DIFFICULT) for name, body in by_staff.items()),
    ]
