"""Orders as their owners, staff and other services see them."""

from typing import Any

from orders.domain.orders import Order, Period
from orders.domain.timeline import STAFF_ONLY, Entry
from orders.domain.transitions import Status
from orders.settings import settings
from orders.tables import lists, orders
from shared.contracts.commands import InvoiceLinks, LocateInvoice
from shared.errors import NotFound
from shared.http.identity import Caller
from shared.http.paging import Cursors
from shared.messaging import rpc
from shared.messaging.rpc import CommandRejected
from shared.runtime.secrets import secret

cursors = Cursors(lambda: secret(settings().orders_cursor_secret_arn)["key"])


def order_for(caller: Caller, order_id: str) -> Order:
    """The caller's own order; for staff, anybody's. Raises NotFound."""
    order = own(caller, order_id) or (anybodys(order_id) if caller.is_staff else None)
    if order is None:
        raise NotFound("There is no such order of yours.")
    return order


def timeline_for(caller: Caller, order_id: str) -> list[Entry]:
    """What happened to the order; to its owner without what is for staff alone. Raises NotFound."""
    entries = order_for(caller, order_id).timeline
    return [entry for entry in entries if caller.is_staff or entry.type not in STAFF_ONLY]


def own(caller: Caller, order_id: str) -> Order | None:
    return _seen(orders.find(caller.user_id, order_id))


def anybodys(order_id: str) -> Order | None:
    return _seen(orders.find_any(order_id))


def _seen(order: Order | None) -> Order | None:
    """The order where it is one to those outside: it was placed."""
    return order if order and order.was_placed else None


def list_own(caller: Caller, limit: int, cursor: str | None) -> tuple[list[Order], str | None]:
    """A page of the caller's orders, newest first, and the next page's cursor."""
    place = f"orders:{caller.user_id}"
    found, last = lists.of_owner(caller.user_id, limit, cursors.read(cursor, place))
    return found, cursors.write(last, place)


def list_all(
    user_id: str | None,
    number: str | None,
    status: Status | None,
    period: Period,
    limit: int,
    cursor: str | None,
) -> tuple[list[Order], str | None]:
    """A page of everybody's orders, or of one customer's, newest first, and the next page's cursor."""
    place = f"orders:{user_id}:{number}:{status}:{period.since}:{period.until}:staff"
    start: dict[str, Any] | None = cursors.read(cursor, place)
    if number:
        found = [order for order in lists.of_number(number) if status in (None, order.status)]
        return [order for order in found if user_id in (None, order.user_id)], None
    if user_id:
        found, last = lists.of_owner(user_id, limit, start, period, status)
        return found, cursors.write(last, place)
    found, before = lists.of_all(limit, start["before"] if start else None, period, status)
    return found, cursors.write({"before": before} if before else None, place)


def invoice_of(caller: Caller, order_id: str) -> InvoiceLinks:
    """Where the order's invoice is. Raises NotFound before it is paid, Unavailable."""
    order = order_for(caller, order_id)
    if not order.was_paid:
        raise NotFound("The order has no invoice: it was not paid.")
    try:
        return rpc.call(settings().orders_invoices, LocateInvoice(order_id=order_id))
    except CommandRejected as rejection:
        raise NotFound("The order has no invoice.") from rejection


def describe(order_id: str) -> Order:
    """Anybody's order, for another service. Raises NotFound."""
    order = anybodys(order_id)
    if order is None:
        raise NotFound("There is no such order.")
    return order
