"""Functions that build events and their data, with defaults that tests override."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from shared.contracts.events.envelope import Event, EventData
from shared.contracts.events.orders import (
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
    ReturnData,
)
from shared.contracts.events.payments import (
    DifferencesData,
    DisputeData,
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
    ReviewData,
)
from shared.contracts.events.users import UserData, UserRegistered
from shared.values.money import Money

E = TypeVar("E", bound=Event)

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NUMBER = "7K4M2-9QX2D"
OWNER = {"order_id": "ord_1", "number": NUMBER, "user_id": "usr_1", "email": "ada@example.com"}
PAYMENT = {"payment_id": "pay_1", "order_id": "ord_1", "number": NUMBER, "user_id": "usr_1"}


def event(event_type: type[E], data: EventData, subject: str, version: int) -> E:
    built = event_type.of(data, subject=subject, version=version, at=AT)
    assert isinstance(built, event_type)
    return built


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
    """Return an order of a lamp for £1,234.00 and two mugs, with £10 off and £3.95 shipping."""
    lines = lines or (line("Brass lamp", 1, 123_400, "LAMP-9"), line())
    subtotal = sum(entry.line_total.amount for entry in lines)
    values = {
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
    return OrderData(**(values | changes))


def line_quantity(title: str = "White mug", quantity: int = 2, sku: str = "MUG-1") -> LineQuantity:
    return LineQuantity(sku=sku, product_id="prd_1", title=title, quantity=quantity)


def fulfilment(**changes: Any) -> FulfilmentData:
    """Return a fulfilment of two mugs; the lamp is not shipped yet."""
    values = {
        **OWNER,
        "fulfilment_id": "ful_1",
        "lines": [line_quantity()],
        "carrier": "Royal Mail",
        "tracking": "JD014600009876543210",
        "fully_shipped": False,
        "capture_due": gbp(590),
    }
    return FulfilmentData(**(values | changes))


def return_(**changes: Any) -> ReturnData:
    """Return the data of a return of one mug."""
    values = {
        **OWNER,
        "return_id": "ret_1",
        "status": "approved",
        "lines": [line_quantity(quantity=1)],
        "restock": False,
        "refund": gbp(0),
        "reason": "One too many",
    }
    return ReturnData(**(values | changes))


def invoice(**changes: Any) -> InvoiceData:
    values = {**vars(order()), "invoice_number": "2026-000123", "issued_at": AT}
    return InvoiceData(**(values | changes))


def payment(**changes: Any) -> PaymentData:
    values = {
        **OWNER,
        "payment_id": "pay_1",
        "amount": gbp(1299),
        "secured": gbp(0),
        "captured": gbp(0),
        "refunded": gbp(0),
        "status": "failed",
        "reason": "insufficient_funds",
    }
    return PaymentData(**(values | changes))


def dispute(status: str, **changes: Any) -> DisputeData:
    values = {
        **PAYMENT,
        "dispute_id": "dp_1",
        "status": status,
        "reason": "product_not_received",
        "amount": gbp(1299),
        "withheld": gbp(1299),
        "evidence_due": AT + timedelta(days=9),
    }
    return DisputeData(**(values | changes))


def registered(
    name: str = "Ada", email: str = "ada@example.com", version: int = 1, phone: str | None = None
) -> UserRegistered:
    data = UserData(user_id="usr_1", email=email, name=name, phone=phone)
    return event(UserRegistered, data, "usr_1", version)


def paid(*lines: OrderLineData, version: int = 3, **changes: Any) -> OrderPaid:
    return event(OrderPaid, order(*lines, **changes), "ord_1", version)


def expired(version: int = 3, **changes: Any) -> OrderExpired:
    return event(OrderExpired, order(**{"status": "expired"} | changes), "ord_1", version)


def cancelled(version: int = 3, **changes: Any) -> OrderCancelled:
    return event(OrderCancelled, order(**{"status": "cancelled"} | changes), "ord_1", version)


def delivered(version: int = 6, **changes: Any) -> OrderDelivered:
    return event(OrderDelivered, order(**{"status": "delivered"} | changes), "ord_1", version)


def shipped(version: int = 4, **changes: Any) -> OrderShipped:
    return event(OrderShipped, fulfilment(**changes), "ord_1", version)


def invoiced(version: int = 3, **changes: Any) -> OrderInvoiced:
    return event(OrderInvoiced, invoice(**changes), "ord_1", version)


def decided(status: str = "approved", version: int = 7, **changes: Any) -> OrderReturnDecided:
    return event(OrderReturnDecided, return_(status=status, **changes), "ord_1", version)


def returned(version: int = 8, **changes: Any) -> OrderReturned:
    data = return_(**{"status": "received", "restock": True, "refund": gbp(295)} | changes)
    return event(OrderReturned, data, "ord_1", version)


def declined(version: int = 2, **changes: Any) -> PaymentFailed:
    return event(PaymentFailed, payment(**changes), "pay_1", version)


def expiring(version: int = 5, **changes: Any) -> PaymentExpiring:
    data = payment(**{"secured": gbp(1299), "status": "authorized", "reason": None} | changes)
    return event(PaymentExpiring, data, "pay_1", version)


def refunded(amount: int | None, total: int, version: int = 5, **changes: Any) -> PaymentRefunded:
    """Return a refund of `amount` pence; `total` pence have been refunded with it."""
    data = payment(
        status="partially_refunded",
        reason=None,
        refunded=gbp(total),
        refund_amount=None if amount is None else gbp(amount),
        **changes,
    )
    return event(PaymentRefunded, data, "pay_1", version)


def refund_failed(version: int = 4, **changes: Any) -> PaymentRefundFailed:
    return event(PaymentRefundFailed, payment(**changes), "pay_1", version)


def capture_failed(version: int = 4, **changes: Any) -> PaymentCaptureFailed:
    return event(PaymentCaptureFailed, payment(**changes), "pay_1", version)


def disputed(status: str, version: int = 3, **changes: Any) -> PaymentDisputed:
    return event(PaymentDisputed, dispute(status, **changes), "dp_1", version)


def reviewed(status: str = "open") -> PaymentReviewed:
    return event(PaymentReviewed, ReviewData(**PAYMENT, status=status), "pay_1", 3)


def unreconciled(*ids: str, kind: str = "foreign", count: int = 2) -> PaymentsUnreconciled:
    found = DifferencesData(kind=kind, count=count, ids=[*ids] or ["pi_1", "pi_2"])
    data = ReconciliationData(reconciliation_id="rec_1", unexplained=count, differences=[found])
    return event(PaymentsUnreconciled, data, "rec_1", 1)
