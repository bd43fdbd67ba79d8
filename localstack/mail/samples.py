"""A letter of every kind, and of some the ways that people make them difficult."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from notify.domain import accounts, messages, orders, payments, staff
from notify.domain.letters import Category, Letter
from shared.contracts.events import (
    DisputeData,
    FulfilmentData,
    InvoiceData,
    LineQuantity,
    OrderData,
    OrderLineData,
    PaymentData,
    ReconciliationData,
    ReturnData,
    ReviewData,
    UserData,
)
from shared.values.money import Money

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
EVENT = "pay_01K9.7.payment.refunded"
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
class Specimen:
    """A letter to look at; `name` is its template's, with what is special of it behind a dash."""

    name: str
    letter: Letter


def specimens() -> list[Specimen]:
    """All kinds, then the difficult ones."""
    kinds = [Specimen(letter.template.value, letter) for letter in letters(Facts())]
    return [*kinds, *_difficult()]


@dataclass(frozen=True)
class Facts:
    """What letters are written from; every text that comes from outside may be replaced by one."""

    text: str | None = None

    def said(self, otherwise: str) -> str:
        return otherwise if self.text is None else self.text

    def goods(self) -> list[tuple[str, str, int, int]]:
        """Title, SKU, pieces, and the price of one in minor units."""
        return [
            (self.said("Brass desk lamp with a linen shade"), self.said("LAMP-BRASS-L"), 1, 123_400),
            (self.said("White enamel mug"), self.said("MUG-WHITE"), 2, 295),
            (self.said("Notebook, dotted, 160 pages"), self.said("NOTE-A5-DOT"), 3, 1250),
        ]

    def owner(self) -> dict[str, Any]:
        return OWNER | {"number": self.said(OWNER["number"])}

    def pieces(self) -> list[LineQuantity]:
        return [
            LineQuantity(sku=sku, product_id="prd_1", title=title, quantity=quantity)
            for title, sku, quantity, _ in self.goods()[1:]
        ]

    def order(self, **changes: Any) -> OrderData:
        facts = {**self.owner(), "status": "paid", **sums(self.goods()), "placed_at": AT}
        return OrderData(**(facts | changes))

    def parcel(self, **changes: Any) -> FulfilmentData:
        facts = {
            **self.owner(),
            "fulfilment_id": "ful_1",
            "lines": self.pieces(),
            "carrier": self.said("Royal Mail"),
            "tracking": self.said("JD014600009876543210"),
            "fully_shipped": False,
            "capture_due": gbp(590),
        }
        return FulfilmentData(**(facts | changes))

    def back(self, **changes: Any) -> ReturnData:
        facts = {
            **self.owner(),
            "return_id": "ret_1",
            "status": "approved",
            "lines": self.pieces()[:1],
            "restock": False,
            "refund": gbp(0),
            "reason": self.said("They do not fit under my machine."),
        }
        return ReturnData(**(facts | changes))

    def payment(self, **changes: Any) -> PaymentData:
        facts = {
            **PAYMENT,
            **self.owner(),
            "amount": gbp(127_345),
            "secured": gbp(127_345),
            "captured": gbp(0),
            "refunded": gbp(0),
            "status": "failed",
            "reason": self.said("Your card has insufficient funds."),
            "capture_before": AT + timedelta(hours=20),
        }
        return PaymentData(**(facts | changes))

    def dispute(self, status: str, due: timedelta | None = timedelta(days=9), **changes: Any) -> DisputeData:
        facts = {
            **{key: value for key, value in {**PAYMENT, **self.owner()}.items() if key != "email"},
            "dispute_id": self.said("du_1QxYzA2eZvKYlo2C"),
            "status": status,
            "reason": self.said("product_not_received"),
            "amount": gbp(127_345),
            "withheld": gbp(127_345),
            "evidence_due": AT + due if due else None,
        }
        return DisputeData(**(facts | changes))


def letters(facts: Facts) -> Iterator[Letter]:
    """A letter of every kind."""
    yield accounts.welcome(
        UserData(user_id=OWNER["user_id"], email=OWNER["email"], name=facts.said("Ada Lovelace"))
    )
    yield orders.confirmation(facts.order())
    yield _told(orders.expired(facts.order(status="expired")))
    yield _told(orders.cancelled(facts.order(status="cancelled", reason=facts.said("cancelled by the shop"))))
    yield orders.shipped(facts.parcel())
    yield orders.delivered(facts.order(status="delivered"))
    issued = {"invoice_number": facts.said("2026-000123"), "issued_at": AT, "total": gbp(127_345)}
    yield orders.invoice(InvoiceData(**facts.owner(), **issued))
    yield _told(orders.return_decided(facts.back()))
    yield _told(orders.return_decided(facts.back(status="rejected")))
    yield orders.return_received(facts.back(status="received", refund=gbp(590)))
    yield payments.failed(facts.payment(), EVENT)
    yield payments.reauthorize(facts.payment())
    yield payments.refunded(facts.payment(refund_amount=gbp(590), refunded=gbp(1885)), EVENT)
    yield payments.refund_failed(facts.payment(failed_refund_amount=gbp(590)), EVENT)
    yield messages.staff_message(
        "msg_1",
        user_id=OWNER["user_id"],
        to=OWNER["email"],
        subject=facts.said("About your lamp"),
        text=facts.said(
            "Dear Ada,\n\nthe shade of your lamp comes a week late: our weaver is ill. Would you like it in "
            "grey instead? That one is here.\n\nKind regards\nGrace"
        ),
    )
    yield from _staff_letters(facts)


def _staff_letters(facts: Facts) -> Iterator[Letter]:
    yield _told(staff.disputed(facts.dispute("needs_response"), AT))
    yield _told(staff.disputed(facts.dispute("needs_response", timedelta(days=2)), AT))
    yield _told(staff.disputed(facts.dispute("won", None, withheld=gbp(0)), AT))
    yield _told(staff.disputed(facts.dispute("lost", None), AT))
    review = {key: value for key, value in {**PAYMENT, **facts.owner()}.items() if key != "email"}
    yield _told(staff.reviewed(ReviewData(**review, status="open")))
    yield staff.capture_failed(facts.payment(reason=facts.said("The card was reported stolen.")), EVENT)
    yield staff.refund_failed(facts.payment(failed_refund_amount=gbp(590)), EVENT)
    summary = facts.said(
        "pay_01KAHX3A: Stripe has 127345 GBP, the books 127300\nre_1QxYzA: a refund that no row knows"
    )
    found = ReconciliationData(reconciliation_id="rec_2026-11-21", unexplained=2, summary=summary)
    yield staff.unreconciled(found)


def _difficult() -> list[Specimen]:
    plain, hostile = Facts(), Facts(HOSTILE)
    many = [(f"Print no. {number}, framed", f"PRINT-{number:03}", 1, 1999) for number in range(1, 61)]
    wordy = [
        ("Hand-thrown porcelain " * 9, "A" * 64, 999, 9_999_999),
        ("Ünïcödé 🏺 vase", "VASE-🏺", 1, 4500),
    ]
    rtl = [("מנורת שולחן מפליז (LED, 12W)", "LAMP-HE", 1, 8900), ("مصباح نحاسي", "LAMP-AR", 2, 7900)]
    inquiry = plain.dispute("warning_needs_response", withheld=gbp(0))
    user = {"user_id": OWNER["user_id"], "email": OWNER["email"]}
    html = (
        "<p>Dear Ada,</p><p>the shade comes <strong>a week late</strong>.</p><ul><li>grey: here</li>"
        "<li>white: <a href='https://shop.tillstack.example/lamps'>see it</a></li></ul>"
        "<script>alert(1)</script>"
    )
    written = messages.staff_message(
        "msg_2", user_id=OWNER["user_id"], to=OWNER["email"], subject="Your lamp", text="Dear Ada,", html=html
    )
    found = {
        "order_confirmation-60-lines": orders.confirmation(plain.order(**sums(many))),
        "order_confirmation-wordy": orders.confirmation(plain.order(**sums(wordy))),
        "order_confirmation-rtl": orders.confirmation(plain.order(**sums(rtl))),
        "order_confirmation-hostile": orders.confirmation(hostile.order()),
        "order_shipped-hostile": orders.shipped(hostile.parcel()),
        "order_shipped-complete": orders.shipped(
            plain.parcel(fully_shipped=True, carrier=None, tracking=None)
        ),
        "welcome-rtl": accounts.welcome(UserData(**user, name="عائشة بنت محمد 🌙")),
        "welcome-link": accounts.welcome(UserData(**user, name="Win at www.evil.example")),
        "dispute_opened-inquiry": _told(staff.disputed(inquiry, AT)),
        "staff_message-html": written,
        "staff_message-offer": _offer(),
    }
    return [Specimen(name, letter) for name, letter in found.items()]


def _offer() -> Letter:
    return messages.staff_message(
        "msg_3",
        user_id=OWNER["user_id"],
        to=OWNER["email"],
        subject="Lamps, a tenth off until Sunday",
        text="Dear Ada,\n\nall lamps cost a tenth less until Sunday.",
        category=Category.MARKETING,
        unsubscribe_url="https://api.tillstack.example/notifications/unsubscribe?token=eyJhbGciOi&x=<y>",
    )


def sums(goods: list[tuple[str, str, int, int]]) -> dict[str, Any]:
    """An order's lines and what they come to, with £10 off, delivery and the tax that is in it."""
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


def _told(letter: Letter | None) -> Letter:
    if letter is None:
        raise ValueError("these facts are no reason for a letter")
    return letter
