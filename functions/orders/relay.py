"""The table's stream as events: each new line of an order's timeline that concerns others."""

from collections.abc import Callable, Iterator, Mapping

from orders.domain.orders import Order, published_entries
from orders.domain.timeline import Entry, TimelineEvent
from orders.service import event_data
from orders.tables.packing import to_order
from orders.tables.rows import OrderRow
from shared.contracts.events import (
    Event,
    EventData,
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

Tell = Callable[[Order, Entry], EventData]


def _whole(order: Order, _: Entry) -> EventData:
    return event_data.order_data(order)


def _return(order: Order, entry: Entry) -> EventData:
    return event_data.return_data(order, entry.ref)


EVENTS: Mapping[TimelineEvent, tuple[type[Event], Tell]] = {
    TimelineEvent.PLACED: (OrderPlaced, _whole),
    TimelineEvent.PAID: (OrderPaid, _whole),
    TimelineEvent.INVOICED: (OrderInvoiced, lambda order, _: event_data.invoice_data(order)),
    TimelineEvent.REJECTED: (OrderCancelled, _whole),
    TimelineEvent.CANCELLED: (OrderCancelled, _whole),
    TimelineEvent.EXPIRED: (OrderExpired, _whole),
    TimelineEvent.SHIPPED: (OrderShipped, lambda order, entry: event_data.fulfilment_data(order, entry.ref)),
    TimelineEvent.DELIVERED: (OrderDelivered, _whole),
    TimelineEvent.RETURN_APPROVED: (OrderReturnDecided, _return),
    TimelineEvent.RETURN_REJECTED: (OrderReturnDecided, _return),
    TimelineEvent.RETURN_RECEIVED: (OrderReturned, _return),
    TimelineEvent.REFUND_DUE: (
        OrderRefundDue,
        lambda order, entry: event_data.refund_due_data(order, entry.ref),
    ),
}


def derive_events(old: Image | None, new: Image | None) -> Iterator[Event]:
    """What a change of an order's row is news of. An order's `sequence` counts its events from 1."""
    if new is None:
        return
    row = OrderRow.from_raw_data(dict(new))
    order = to_order(row)
    before = to_order(OrderRow.from_raw_data(dict(old))) if old else None
    for sequence, entry in published_entries(before, order):
        kind, tell = EVENTS[entry.type]
        yield kind.of(
            tell(order, entry),
            subject=order.order_id,
            version=sequence,
            at=entry.at,
            request_id=row.request_id,
        )
