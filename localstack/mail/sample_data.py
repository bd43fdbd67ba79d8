"""Data of sample events."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from notify.schemas import SendEmail
from payments.domain.reconciliation import differences, runs
from payments.domain.reconciliation.event_data import unexplained_by_kind
from shared.contracts.events.orders import (
    FulfilmentData,
    InvoiceData,
    LineQuantity,
    OrderData,
    OrderLineData,
    ReturnData,
)
from shared.contracts.events.payments import DisputeData, PaymentData, ReconciliationData, ReviewData
from shared.contracts.events.users import UserData
from shared.runtime import clock
from shared.values.money import Money

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
OWNER = {
    "order_id": "ord_01KAHX2V5N8Q4T7RZ3M6WB9CDE",
    "number": "7K4M2-9QX2D",
    "user_id": "usr_01KAHX1C2D3E4F5G6H7J8K9MNP",
    "email": "ada@shopper.example",
}
RECONCILIATION = "rec_01KAKA2B4D6F8H0J2M4P6R8T0V"
PAYMENT = OWNER | {"payment_id": "pay_01KAHX3A7B8C9DAEBFCGDHEJFK"}


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
        return InvoiceData(**vars(self.order()), invoice_number=number, issued_at=AT)

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
            "hold_until": clock.now() + timedelta(hours=20),
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

    def staff_email(self, **changes: Any) -> SendEmail:
        """Return the request of staff who write to a customer."""
        text = (
            "Dear Ada,\n\nthe shade of your lamp will arrive a week late, because our weaver is ill."
            " Would you like it in grey instead? We have that one here.\n\nKind regards\nGrace"
        )
        values = {
            "to": OWNER["email"],
            "subject": self.text_or("About your lamp"),
            "text": self.text_or(text),
        }
        # The API rejects some of the texts with which tests check the rendering.
        create = SendEmail if self.text is None else SendEmail.model_construct
        return create(**(values | changes))

    def reconciliation(self) -> ReconciliationData:
        """Return the data that payments' relay publishes for a run with two kinds of findings."""
        intent = differences.ListedIntent(
            intent_id=self.text_or("pi_3SVt7dA1b2C3d4E5"),
            status="succeeded",
            currency="GBP",
            amount_received=4500,
            amount_capturable=0,
            amount_refunded=0,
            payment_id=None,
            order_id=None,
            changed_at=AT,
        )
        unreadable = [
            differences.unreadable("pi_1", self.text_or(f"pay_01KAHX3A7B8C9DAEBFCGDHEJF{digit}"), "")
            for digit in "ABCDEFG"
        ]
        empty = runs.Run(RECONCILIATION, AT, AT, asked_by="", asked_at=AT, updated_at=AT)
        run = runs.with_findings(empty, [differences.foreign(intent), *unreadable])
        return ReconciliationData(
            reconciliation_id=run.reconciliation_id,
            unexplained=run.tally.unexplained,
            differences=unexplained_by_kind(run),
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
