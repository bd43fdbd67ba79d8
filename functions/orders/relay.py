"""The events that are derived from the table's stream: one per new timeline entry that is published."""

from collections.abc import Callable, Iterator, Mapping

from orders.domain.orders import Order, RefundKey, published_entries
from orders.domain.timeline import Entry, TimelineEvent
from orders.service import event_data
from orders.tables.packing import to_order
from orders.tables.rows import OrderRow
from shared.contracts.events.envelope import Event, EventData
from shared.contracts.events.orders import (
    OrderCancelled,
    OrderDelivered,
    OrderExpired,
    OrderInvoiced,
    OrderPaid,
    OrderPlaced,
    OrderRefundDue,
    OrderReturnDecided,
    OrderReturned,
    OrderShipped,
)
from shared.messaging.stream_relay import Image

DataOf = Callable[[Order, Entry], EventData]


def _order(order: Order, _: Entry) -> EventData:
    return event_data.order_data(order)


def _return(order: Order, entry: Entry) -> EventData:
    return event_data.return_data(order, entry.ref)


EVENTS: Mapping[TimelineEvent, tuple[type[Event], DataOf]] = {
    TimelineEvent.PLACED: (OrderPlaced, _order),
    TimelineEvent.PAID: (OrderPaid, _order),
    TimelineEvent.INVOICED: (OrderInvoiced, lambda order, _: event_data.invoice_data(order)),
    TimelineEvent.REJECTED: (OrderCancelled, _order),
    TimelineEvent.CANCELLED: (OrderCancelled, _order),
    TimelineEvent.EXPIRED: (OrderExpired, _order),
    TimelineEvent.SHIPPED: (
        OrderShipped,
        lambda order, entry: event_data.fulfilment_data(order, entry.ref),
    ),
    TimelineEvent.DELIVERED: (OrderDelivered, _order),
    TimelineEvent.RETURN_APPROVED: (OrderReturnDecided, _return),
    TimelineEvent.RETURN_REJECTED: (OrderReturnDecided, _return),
    TimelineEvent.RETURN_RECEIVED: (OrderReturned, _return),
    TimelineEvent.REFUND_DUE: (
        OrderRefundDue,
        lambda order, entry: event_data.refund_due_data(order, RefundKey(entry.ref)),
    ),
}


def derive_events(old: Image | None, new: Image | None) -> Iterator[Event]:
    """Yield the events of a change of an order's row; `sequence` counts the order's events from 1."""
    if new is None:
        return
    row = OrderRow.from_raw_data(dict(new))
    order = to_order(row)
    before = to_order(OrderRow.from_raw_data(dict(old))) if old else None
    for sequence, entry in published_entries(before, order):
        event_class, data_of = EVENTS[entry.type]
        yield event_class.of(
            data_of(order, entry),
            subject=order.order_id,
            version=sequence,
            at=entry.at,
            request_id=row.request_id,
        )
