"""The table's stream as events."""

from collections.abc import Iterator

from orders import service, tables
from orders.domain import Order, Status
from shared.events import (
    Event,
    Fact,
    OrderCancelled,
    OrderExpired,
    OrderPaid,
    OrderPlaced,
    OrderRefundDue,
    RefundDueFacts,
)
from shared.outbox import Image

SAID: dict[Status, type[Event]] = {
    Status.AWAITING_PAYMENT: OrderPlaced,
    Status.PAID: OrderPaid,
    Status.CANCELLED: OrderCancelled,
    Status.EXPIRED: OrderExpired,
}


def news(old: Image | None, new: Image | None) -> Iterator[Event]:
    """What a change of an order's row is news of: its new status, and each refund that has become due."""
    if new is None:
        return
    row = tables.OrderRow.from_raw_data(dict(new))
    order, before = tables.to_order(row), _order(old)
    kind = SAID.get(order.status)
    if kind and (before is None or before.status is not order.status):
        yield _say(kind, service.facts(order), row)
    for payment_id, due in order.refunds_due.items():
        if before is None or payment_id not in before.refunds_due:
            data = RefundDueFacts(
                order_id=order.order_id,
                payment_id=payment_id,
                amount=due.amount,
                reason=due.reason,
                refund_key=f"{order.order_id}:{payment_id}:late",
            )
            yield _say(OrderRefundDue, data, row, part=payment_id)


def _say(kind: type[Event], data: Fact, row: tables.OrderRow, part: str = "") -> Event:
    return kind.about(
        data,
        subject=row.order_id,
        version=int(row.version),
        at=row.updated_at,
        part=part,
        request_id=row.request_id,
    )


def _order(image: Image | None) -> Order | None:
    return tables.to_order(tables.OrderRow.from_raw_data(dict(image))) if image else None
