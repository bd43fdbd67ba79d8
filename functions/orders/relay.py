"""The table's stream as events: each new line of an order's timeline that concerns others."""

from collections.abc import Callable, Iterator, Mapping

from orders.domain.orders import Order, announced
from orders.domain.timeline import Entry, H, Happening
from orders.service import telling
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
    return telling.facts(order)


def _return(order: Order, entry: Entry) -> EventData:
    return telling.goods_back(order, entry.ref)


SAID: Mapping[Happening, tuple[type[Event], Tell]] = {
    H.PLACED: (OrderPlaced, _whole),
    H.PAID: (OrderPaid, _whole),
    H.INVOICED: (OrderInvoiced, lambda order, _: telling.invoice(order)),
    H.REFUSED: (OrderCancelled, _whole),
    H.CANCELLED: (OrderCancelled, _whole),
    H.EXPIRED: (OrderExpired, _whole),
    H.SHIPPED: (OrderShipped, lambda order, entry: telling.shipment(order, entry.ref)),
    H.DELIVERED: (OrderDelivered, _whole),
    H.RETURN_APPROVED: (OrderReturnDecided, _return),
    H.RETURN_REJECTED: (OrderReturnDecided, _return),
    H.RETURN_RECEIVED: (OrderReturned, _return),
    H.REFUND_DUE: (OrderRefundDue, lambda order, entry: telling.refund_due(order, entry.ref)),
}


def derive_events(old: Image | None, new: Image | None) -> Iterator[Event]:
    """What a change of an order's row is news of. An order's `sequence` counts its events from 1."""
    if new is None:
        return
    row = OrderRow.from_raw_data(dict(new))
    order = to_order(row)
    before = to_order(OrderRow.from_raw_data(dict(old))) if old else None
    for sequence, entry in announced(before, order):
        kind, tell = SAID[entry.type]
        yield kind.of(
            tell(order, entry),
            subject=order.order_id,
            version=sequence,
            at=entry.at,
            request_id=row.request_id,
        )
