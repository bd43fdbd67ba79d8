"""Facts that notify's tests tell it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.events import (
    DisputeFacts,
    InvoiceFacts,
    OrderCancelled,
    OrderDelivered,
    OrderExpired,
    OrderFacts,
    OrderInvoiced,
    OrderLineFacts,
    OrderPaid,
    OrderReturnDecided,
    OrderReturned,
    OrderShipped,
    PaymentFacts,
    PaymentFailed,
    PaymentRefunded,
    PiecesFacts,
    ReturnFacts,
    ShipmentFacts,
    UserFacts,
    UserRegistered,
)
from shared.money import Money

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NUMBER = "7K4M2-9QX2D"
OWNER = {"order_id": "ord_1", "number": NUMBER, "user_id": "usr_1", "email": "ada@example.com"}


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
    return OrderFacts(**(facts | changes))


def pieces(title: str = "White mug", quantity: int = 2, sku: str = "MUG-1") -> PiecesFacts:
    return PiecesFacts(sku=sku, product_id="prd_1", title=title, quantity=quantity)


def parcel(**changes: Any) -> ShipmentFacts:
    """A parcel with two mugs, the lamp still to come."""
    facts = {
        **OWNER,
        "fulfilment_id": "ful_1",
        "lines": [pieces()],
        "carrier": "Royal Mail",
        "tracking": "JD014600009876543210",
        "complete": False,
        "due_so_far": gbp(590),
    }
    return ShipmentFacts(**(facts | changes))


def back(**changes: Any) -> ReturnFacts:
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
    return ReturnFacts(**(facts | changes))


def issued(**changes: Any) -> InvoiceFacts:
    facts = {**OWNER, "invoice_number": "2026-000123", "issued_at": AT, "total": gbp(123_385)}
    return InvoiceFacts(**(facts | changes))


def payment(**changes: Any) -> PaymentFacts:
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
    return PaymentFacts(**(facts | changes))


def dispute(status: str, **changes: Any) -> DisputeFacts:
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
    return DisputeFacts(**(facts | changes))


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


def refunded(given_back: int | None, so_far: int, version: int = 5, **changes: Any) -> PaymentRefunded:
    """So many pence went back with this change, so many in all."""
    facts = payment(
        status="partially_refunded",
        reason=None,
        refunded=gbp(so_far),
        given_back=None if given_back is None else gbp(given_back),
        **changes,
    )
    event = PaymentRefunded.about(facts, subject="pay_1", version=version, at=AT)
    assert isinstance(event, PaymentRefunded)
    return event


def cancelled(version: int = 3, **changes: Any) -> OrderCancelled:
    event = OrderCancelled.about(
        order(status="cancelled", **changes), subject="ord_1", version=version, at=AT
    )
    assert isinstance(event, OrderCancelled)
    return event


def delivered(version: int = 6, **changes: Any) -> OrderDelivered:
    event = OrderDelivered.about(
        order(status="delivered", **changes), subject="ord_1", version=version, at=AT
    )
    assert isinstance(event, OrderDelivered)
    return event


def shipped(version: int = 4, **changes: Any) -> OrderShipped:
    event = OrderShipped.about(parcel(**changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderShipped)
    return event


def invoiced(version: int = 3, **changes: Any) -> OrderInvoiced:
    event = OrderInvoiced.about(issued(**changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderInvoiced)
    return event


def decided(status: str = "approved", version: int = 7, **changes: Any) -> OrderReturnDecided:
    event = OrderReturnDecided.about(back(status=status, **changes), subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderReturnDecided)
    return event


def returned(version: int = 8, **changes: Any) -> OrderReturned:
    facts = back(**{"status": "received", "restock": True, "refund": gbp(295)} | changes)
    event = OrderReturned.about(facts, subject="ord_1", version=version, at=AT)
    assert isinstance(event, OrderReturned)
    return event
