"""Orders, documents and the text of PDFs for the tests of invoicing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from pypdf import PdfReader

from orders.domain.orders import Invoice, Order, PaymentTotals
from orders.domain.terms import Terms
from orders.domain.timeline import Entry, TimelineEvent
from orders.domain.transitions import Status
from orders.invoicing.document import Document, Seller, document_of
from shared.contracts.quotes import QuotedLine, ShippingAddress
from shared.values.money import Money, Price

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SELLER = Seller("Tillstack Ltd", ("1 Example Street", "London EC1A 1AA", "GB"), "GB 000 0000 00")
ADDRESS = ShippingAddress(
    name="Zoë Łódzka",
    line1="12 St James's Square",
    city="London",
    postal_code="SW1Y 4JH",
    country="GB",
)


def gbp(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")


def terms(lines: int = 3, *, tax_inclusive: bool = True, discount: int = 100, title: str = "Mug") -> Terms:
    """Return terms whose n-th line has n pieces, a discount and 50p of tax."""
    quoted_lines = tuple(
        QuotedLine(
            sku=f"SKU-{n:04}",
            product_id=f"prd_{n}",
            title=f"{title} {n}",
            quantity=n + 1,
            unit_price=Price(amount=1_000 + n, currency="GBP"),
            line_total=gbp((n + 1) * (1_000 + n)),
            discount=gbp(discount) if discount else None,
            tax=gbp(50),
        )
        for n in range(lines)
    )
    subtotal = sum(line.line_total.amount for line in quoted_lines)
    tax = 50 * lines
    return Terms(
        lines=quoted_lines,
        subtotal=gbp(subtotal),
        discount=gbp(discount * lines),
        shipping=gbp(395),
        tax=gbp(tax),
        shipping_tax=gbp(0),
        tax_inclusive=tax_inclusive,
        total=gbp(subtotal - discount * lines + 395 + (0 if tax_inclusive else tax)),
        shipping_method="standard",
        shipping_address=ADDRESS,
        email="zoe@example.com",
        placed_at=NOW - timedelta(days=1),
        pay_by=NOW,
    )


def placed(order_id: str = "ord_1", agreed: Terms | None = None) -> Order:
    """Return an order that awaits payment."""
    entry = Entry(NOW, TimelineEvent.PLACED, "usr_1")
    return Order(
        order_id, "usr_1", Status.AWAITING_PAYMENT, 2, NOW, NOW, agreed or terms(), timeline=(entry,)
    )


def paid(order_id: str = "ord_1", agreed: Terms | None = None) -> Order:
    order = placed(order_id, agreed)
    entry = Entry(NOW, TimelineEvent.PAID, "stripe", "pay_1")
    return replace(
        order,
        status=Status.PAID,
        version=3,
        expires_at=None,
        payment_id="pay_1",
        payment_totals={"pay_1": PaymentTotals(captured=order.agreed_terms.total.amount, version=2)},
        timeline=(*order.timeline, entry),
    )


def document(lines: int = 3, **changes: Any) -> Document:
    order = replace(paid(agreed=terms(lines, **changes)), invoice=Invoice("2026-000123", NOW))
    return document_of(order, SELLER)


def pages(file: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(file)).pages]
