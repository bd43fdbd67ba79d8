"""Samples of every notification, and difficult ones: long, right-to-left and hostile."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from notify.domain.messages import Category, Message
from notify.domain.staff_messages import staff_message
from notify.service.notifications import NOTIFICATIONS
from shared.contracts.events import (
    DisputeData,
    Event,
    EventData,
    FulfilmentData,
    InvoiceData,
    LineQuantity,
    OrderCancelled,
    OrderData,
    OrderDelivered,
    OrderExpired,
    OrderInvoiced,
    OrderLineData,
    OrderPaid,
    OrderReturnDecided,
    OrderReturned,
    OrderShipped,
    PaymentCaptureFailed,
    PaymentData,
    PaymentDisputed,
    PaymentExpiring,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentReviewed,
    PaymentsUnreconciled,
    ReconciliationData,
    ReturnData,
    ReviewData,
    UserData,
    UserRegistered,
)
from shared.contracts.reasons import CancelReason
from shared.runtime import clock
from shared.values.money import Money

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
OWNER = {
    "order_id": "ord_01KAHX2V5N8Q4T7RZ3M6WB9CDE",
    "number": "7K4M2-9QX2D",
    "user_id": "usr_01KAHX1C2D3E4F5G6H7J8K9MNP",
    "email": "ada@shopper.example",
}
PAYMENT = OWNER | {"payment_id": "pay_01KAHX3A7B8C9DAEBFCGDHEJFK"}

# Markup, a link, a direction override, a second line and a template's own brackets, in one.
HOSTILE = (
    '</td></table><img src="https://evil.example/x.png" onerror=alert(1)>\r\nBcc: all@evil.example '
    "\u202egpj.exe <a href='https://evil.example'>click</a> {{ 7 * 7 }} www.evil.example"
)


@dataclass(frozen=True)
class Sample:
    """A message to preview; `name` is its template, with a suffix for a difficult one."""

    name: str
    message: Message


def samples() -> list[Sample]:
    """Return a sample of every template, then the difficult ones."""
    plain = [Sample(message.template.value, message) for message in messages()]
    return [*plain, *_difficult()]


def messages(text: str | None = None) -> Iterator[Message]:
    """Yield a message of every template. `text` replaces every untrusted text in it."""
    data = SampleData(text)
    for event in events(data):
        yield from built(event)
    yield staff_message(
        "msg_1",
        user_id=OWNER["user_id"],
        to=OWNER["email"],
        subject=data.text_or("About your lamp"),
        text=data.text_or(
            "Dear Ada,\n\nthe shade of your lamp will arrive a week late, because our weaver is ill. "
            "Would you like it in grey instead? We have that one here.\n\nKind regards\nGrace"
        ),
    )


def built(event: Event) -> list[Message]:
    """Return the messages that the event causes."""
    found = [build(event) for build in NOTIFICATIONS[type(event)]]
    return [message for message in found if message]


@dataclass(frozen=True)
class SampleData:
    """Data of events; `text`, if given, replaces every untrusted text."""

    text: str | None = None

    def text_or(self, default: str) -> str:
        return default if self.text is None else self.text

    def goods(self) -> list[tuple[str, str, int, int]]:
        """Return the title, SKU, quantity and unit price in minor units of each line."""
        return [
            (self.text_or("Brass desk lamp with a linen shade"), self.text_or("LAMP-BRASS-L"), 1, 123_400),
            (self.text_or("White enamel mug"), self.text_or("MUG-WHITE"), 2, 295),
            (self.text_or("Notebook, dotted, 160 pages"), self.text_or("NOTE-A5-DOT"), 3, 1250),
        ]

    def owner(self) -> dict[str, Any]:
        return OWNER | {"number": self.text_or(OWNER["number"])}

    def line_quantities(self) -> list[LineQuantity]:
        return [
            LineQuantity(sku=sku, product_id="prd_1", title=title, quantity=quantity)
            for title, sku, quantity, _ in self.goods()[1:]
        ]

    def user(self, **changes: Any) -> UserData:
        values = {"user_id": OWNER["user_id"], "email": OWNER["email"], "name": self.text_or("Ada Lovelace")}
        return UserData(**(values | changes))

    def order(self, **changes: Any) -> OrderData:
        values = {**self.owner(), "status": "paid", **totals(self.goods()), "placed_at": AT}
        return OrderData(**(values | changes))

    def fulfilment(self, **changes: Any) -> FulfilmentData:
        values = {
            **self.owner(),
            "fulfilment_id": "ful_1",
            "lines": self.line_quantities(),
            "carrier": self.text_or("Royal Mail"),
            "tracking": self.text_or("JD014600009876543210"),
            "fully_shipped": False,
            "capture_due": gbp(590),
        }
        return FulfilmentData(**(values | changes))

    def invoice(self) -> InvoiceData:
        number = self.text_or("2026-000123")
        return InvoiceData(**self.owner(), invoice_number=number, issued_at=AT, total=gbp(127_345))

    def return_(self, **changes: Any) -> ReturnData:
        values = {
            **self.owner(),
            "return_id": "ret_1",
            "status": "approved",
            "lines": self.line_quantities()[:1],
            "restock": False,
            "refund": gbp(0),
            "reason": self.text_or("They do not fit under my machine."),
        }
        return ReturnData(**(values | changes))

    def payment(self, **changes: Any) -> PaymentData:
        values = {
            **PAYMENT,
            **self.owner(),
            "amount": gbp(127_345),
            "secured": gbp(127_345),
            "captured": gbp(0),
            "refunded": gbp(0),
            "status": "failed",
            "reason": self.text_or("insufficient_funds"),
            "hold_until": AT + timedelta(hours=20),
        }
        return PaymentData(**(values | changes))

    def dispute(self, status: str, due: timedelta | None = timedelta(days=9), **changes: Any) -> DisputeData:
        values = {
            **{key: value for key, value in {**PAYMENT, **self.owner()}.items() if key != "email"},
            "dispute_id": self.text_or("du_1QxYzA2eZvKYlo2C"),
            "status": status,
            "reason": self.text_or("product_not_received"),
            "amount": gbp(127_345),
            "withheld": gbp(127_345),
            "evidence_due": clock.now() + due if due else None,
        }
        return DisputeData(**(values | changes))

    def review(self) -> ReviewData:
        values = {key: value for key, value in {**PAYMENT, **self.owner()}.items() if key != "email"}
        return ReviewData(**values, status="open")

    def reconciliation(self) -> ReconciliationData:
        summary = self.text_or(
            "pay_01KAHX3A: Stripe has 127345 GBP, our ledger has 127300 GBP\n"
            "re_1QxYzA: unknown refund at Stripe"
        )
        return ReconciliationData(reconciliation_id="rec_2026-11-21", unexplained=2, summary=summary)


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
    html = (
        "<p>Dear Ada,</p><p>the shade will arrive <strong>a week late</strong>.</p><ul><li>grey: here</li>"
        "<li>white: <a href='https://shop.tillstack.example/lamps'>see it</a></li></ul>"
        "<script>alert(1)</script>"
    )
    with_html = staff_message(
        "msg_2", user_id=OWNER["user_id"], to=OWNER["email"], subject="Your lamp", text="Dear Ada,", html=html
    )
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
    return [
        *(Sample(name, built(cause)[0]) for name, cause in from_events.items()),
        Sample("staff_message-html", with_html),
        Sample("staff_message-offer", _offer()),
    ]


def _offer() -> Message:
    return staff_message(
        "msg_3",
        user_id=OWNER["user_id"],
        to=OWNER["email"],
        subject="Lamps, 10% off until Sunday",
        text="Dear Ada,\n\nall lamps are 10% off until Sunday.",
        category=Category.MARKETING,
        unsubscribe_url="https://api.tillstack.example/notifications/unsubscribe?token=eyJhbGciOi&x=<y>",
    )


def totals(goods: list[tuple[str, str, int, int]]) -> dict[str, Any]:
    """Return an order's lines and totals, with £10 off, shipping and included tax."""
    lines = [
        OrderLineData(
            sku=sku,
            product_id="prd_1",
            title=title,
            quantity=quantity,
            unit_price=gbp(unit),
            line_total=gbp(unit * quantity),
        )
        for title, sku, quantity, unit in goods
    ]
    subtotal = sum(line.line_total.amount for line in lines)
    total = subtotal - 1000 + 395
    return {
        "lines": lines,
        "subtotal": gbp(subtotal),
        "discount": gbp(1000),
        "shipping": gbp(395),
        "tax": gbp(total // 6),
        "total": gbp(total),
    }


def gbp(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")
