"""Facts that notify's tests tell it."""

from datetime import UTC, datetime
from typing import Any

from shared.events import (
    OrderExpired,
    OrderFacts,
    OrderLineFacts,
    OrderPaid,
    PaymentFacts,
    PaymentFailed,
    UserFacts,
    UserRegistered,
)
from shared.money import Money

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def gbp(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")


def line(title: str = "White mug", quantity: int = 2, unit: int = 295, sku: str = "MUG-1") -> OrderLineFacts:
    return OrderLineFacts(
        sku=sku,
        product_id="prd_1",
        title=title,
        quantity=quantity,
        unit_price=gbp(unit),
        line_total=gbp(unit * quantity),
    )


def order(*lines: OrderLineFacts, **changes: Any) -> OrderFacts:
    """An order of £1,234.00 and two mugs, £10 off, shipped for £3.95."""
    lines = lines or (line("Brass lamp", 1, 123_400, "LAMP-9"), line())
    subtotal = sum(entry.line_total.amount for entry in lines)
    facts = {
        "order_id": "ord_1",
        "user_id": "usr_1",
        "email": "ada@example.com",
        "status": "paid",
        "lines": list(lines),
        "subtotal": gbp(subtotal),
        "discount": gbp(1000),
        "shipping": gbp(395),
        "tax": gbp(0),
        "total": gbp(subtotal - 1000 + 395),
        "placed_at": AT,
    }
    return OrderFacts(**(facts | changes))


def payment(**changes: Any) -> PaymentFacts:
    facts = {
        "payment_id": "pay_1",
        "order_id": "ord_1",
        "user_id": "usr_1",
        "email": "ada@example.com",
        "amount": gbp(1299),
        "refunded": gbp(0),
        "status": "failed",
        "reason": "Your card was declined.",
    }
    return PaymentFacts(**(facts | changes))


def registered(name: str = "Ada", email: str = "ada@example.com", version: int = 1) -> UserRegistered:
    facts = UserFacts(user_id="usr_1", email=email, name=name)
    event = UserRegistered.about(facts, subject="usr_1", version=version, at=AT)
    assert isinstance(event, UserRegistered)
    return event


def paid(*lines: OrderLineFacts, version: int = 3, **changes: Any) -> OrderPaid:
    event = OrderPaid.about(order(*lines, **changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderPaid)
    return event


def expired(version: int = 3, **changes: Any) -> OrderExpired:
    event = OrderExpired.about(order(status="expired", **changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderExpired)
    return event


def declined(version: int = 2, **changes: Any) -> PaymentFailed:
    event = PaymentFailed.about(payment(**changes), subject="pay_1", version=version, at=AT)
    assert isinstance(event, PaymentFailed)
    return event
