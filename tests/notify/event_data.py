"""Facts that notify's tests tell it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.events import (
    DisputeData,
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
    PaymentData,
    PaymentFailed,
    PaymentRefunded,
    ReturnData,
    UserData,
    UserRegistered,
)
from shared.values.money import Money

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NUMBER = "7K4M2-9QX2D"
OWNER = {"order_id": "ord_1", "number": NUMBER, "user_id": "usr_1", "email": "ada@example.com"}


def gbp(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")


def line(title: str = "White mug", quantity: int = 2, unit: int = 295, sku: str = "MUG-1") -> OrderLineData:
    return OrderLineData(
        sku=sku,
        product_id="prd_1",
        title=title,
        quantity=quantity,
        unit_price=gbp(unit),
        line_total=gbp(unit * quantity),
    )


def order(*lines: OrderLineData, **changes: Any) -> OrderData:
    """An order of £1,234.00 and two mugs, £10 off, shipped for £3.95."""
    lines = lines or (line("Brass lamp", 1, 123_400, "LAMP-9"), line())
    subtotal = sum(entry.line_total.amount for entry in lines)
    facts = {
        **OWNER,
        "status": "paid",
        "lines": list(lines),
        "subtotal": gbp(subtotal),
        "discount": gbp(1000),
        "shipping": gbp(395),
        "tax": gbp(0),
        "total": gbp(subtotal - 1000 + 395),
        "placed_at": AT,
    }
    return OrderData(**(facts | changes))


def pieces(title: str = "White mug", quantity: int = 2, sku: str = "MUG-1") -> LineQuantity:
    return LineQuantity(sku=sku, product_id="prd_1", title=title, quantity=quantity)


def parcel(**changes: Any) -> FulfilmentData:
    """A parcel with two mugs, the lamp still to come."""
    facts = {
        **OWNER,
        "fulfilment_id": "ful_1",
        "lines": [pieces()],
        "carrier": "Royal Mail",
        "tracking": "JD014600009876543210",
        "fully_shipped": False,
        "capture_due": gbp(590),
    }
    return FulfilmentData(**(facts | changes))


def back(**changes: Any) -> ReturnData:
    """One mug that comes back."""
    facts = {
        **OWNER,
        "return_id": "ret_1",
        "status": "approved",
        "lines": [pieces(quantity=1)],
        "restock": False,
        "refund": gbp(0),
        "reason": "One too many",
    }
    return ReturnData(**(facts | changes))


def issued(**changes: Any) -> InvoiceData:
    facts = {**OWNER, "invoice_number": "2026-000123", "issued_at": AT, "total": gbp(123_385)}
    return InvoiceData(**(facts | changes))


def payment(**changes: Any) -> PaymentData:
    facts = {
        **OWNER,
        "payment_id": "pay_1",
        "amount": gbp(1299),
        "secured": gbp(0),
        "captured": gbp(0),
        "refunded": gbp(0),
        "status": "failed",
        "reason": "Your card was declined.",
    }
    return PaymentData(**(facts | changes))


def dispute(status: str, **changes: Any) -> DisputeData:
    facts = {
        **{name: fact for name, fact in OWNER.items() if name != "email"},
        "payment_id": "pay_1",
        "dispute_id": "dp_1",
        "status": status,
        "reason": "product_not_received",
        "amount": gbp(1299),
        "withheld": gbp(1299),
        "evidence_due": AT + timedelta(days=9),
    }
    return DisputeData(**(facts | changes))


def registered(name: str = "Ada", email: str = "ada@example.com", version: int = 1) -> UserRegistered:
    facts = UserData(user_id="usr_1", email=email, name=name)
    event = UserRegistered.of(facts, subject="usr_1", version=version, at=AT)
    assert isinstance(event, UserRegistered)
    return event


def paid(*lines: OrderLineData, version: int = 3, **changes: Any) -> OrderPaid:
    event = OrderPaid.of(order(*lines, **changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderPaid)
    return event


def expired(version: int = 3, **changes: Any) -> OrderExpired:
    event = OrderExpired.of(order(status="expired", **changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderExpired)
    return event


def declined(version: int = 2, **changes: Any) -> PaymentFailed:
    event = PaymentFailed.of(payment(**changes), subject="pay_1", version=version, at=AT)
    assert isinstance(event, PaymentFailed)
    return event


def refunded(refund_amount: int | None, so_far: int, version: int = 5, **changes: Any) -> PaymentRefunded:
    """So many pence went back with this change, so many in all."""
    facts = payment(
        status="partially_refunded",
        reason=None,
        refunded=gbp(so_far),
        refund_amount=None if refund_amount is None else gbp(refund_amount),
        **changes,
    )
    event = PaymentRefunded.of(facts, subject="pay_1", version=version, at=AT)
    assert isinstance(event, PaymentRefunded)
    return event


def cancelled(version: int = 3, **changes: Any) -> OrderCancelled:
    event = OrderCancelled.of(order(status="cancelled", **changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderCancelled)
    return event


def delivered(version: int = 6, **changes: Any) -> OrderDelivered:
    event = OrderDelivered.of(order(status="delivered", **changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderDelivered)
    return event


def shipped(version: int = 4, **changes: Any) -> OrderShipped:
    event = OrderShipped.of(parcel(**changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderShipped)
    return event


def invoiced(version: int = 3, **changes: Any) -> OrderInvoiced:
    event = OrderInvoiced.of(issued(**changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderInvoiced)
    return event


def decided(status: str = "approved", version: int = 7, **changes: Any) -> OrderReturnDecided:
    event = OrderReturnDecided.of(back(status=status, **changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderReturnDecided)
    return event


def returned(version: int = 8, **changes: Any) -> OrderReturned:
    facts = back(**{"status": "received", "restock": True, "refund": gbp(295)} | changes)
    event = OrderReturned.of(facts, subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderReturned)
    return event
