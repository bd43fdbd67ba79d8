"""Orders as their owners, staff and other services read them."""

from typing import Any

from orders.domain.orders import Order, Period
from orders.domain.timeline import STAFF_ONLY, Entry
from orders.domain.transitions import Status
from orders.settings import settings
from orders.tables import lists, orders
from shared.contracts.commands.invoices import InvoiceLinks, LocateInvoice
from shared.dynamodb.pages import page_of
from shared.errors import NotFound
from shared.http.identity import Caller
from shared.http.paging import Cursors, Listed
from shared.messaging import rpc
from shared.messaging.rpc import CommandRejected
from shared.runtime.secrets import secret

cursors = Cursors(lambda: secret(settings().orders_cursor_secret_arn)["key"])


def order_for(caller: Caller, order_id: str) -> Order:
    """Return the caller's own order; for staff, any order. Raises NotFound."""
    order = own_order(caller, order_id) or (any_order(order_id) if caller.is_staff else None)
    if order is None:
        raise NotFound("The order does not exist.")
    return order


def timeline_for(caller: Caller, order_id: str) -> list[Entry]:
    """Return the order's timeline, for owners without the entries for staff. Raises NotFound."""
    entries = order_for(caller, order_id).timeline
    return [entry for entry in entries if caller.is_staff or entry.type not in STAFF_ONLY]


def own_order(caller: Caller, order_id: str) -> Order | None:
    """Return the caller's own order if it was placed."""
    return _if_placed(orders.find(caller.user_id, order_id))


def any_order(order_id: str) -> Order | None:
    """Return anybody's order if it was placed."""
    return _if_placed(orders.find_any(order_id))


def _if_placed(order: Order | None) -> Order | None:
    return order if order and order.was_placed else None


def list_own(caller: Caller, limit: int, cursor: str | None) -> Listed[Order]:
    """Return a page of the caller's orders, newest first."""
    scope = f"orders:{caller.user_id}"
    return cursors.listed(lists.of_owner(caller.user_id, limit, cursors.read(cursor, scope)), scope)


def list_all(
    user_id: str | None,
    number: str | None,
    status: Status | None,
    period: Period,
    limit: int,
    cursor: str | None,
) -> Listed[Order]:
    """Return a page of all orders that match, newest first."""
    scope = f"orders:{user_id}:{number}:{status}:{period.since}:{period.until}:staff"
    start: dict[str, Any] | None = cursors.read(cursor, scope)
    if number:
        after = start["order_id"] if start else ""
        matching = [
            order
            for order in lists.of_number(number)
            if status in (None, order.status) and user_id in (None, order.user_id) and order.order_id > after
        ]
        return cursors.listed(page_of(matching, limit, lambda order: {"order_id": order.order_id}), scope)
    if user_id:
        return cursors.listed(lists.of_owner(user_id, limit, start, period, status), scope)
    return cursors.listed(lists.of_all(limit, start["before"] if start else None, period, status), scope)


def invoice_of(caller: Caller, order_id: str) -> InvoiceLinks:
    """Return links to the order's invoice. Raises NotFound before the order is paid, Unavailable."""
    order = order_for(caller, order_id)
    if not order.was_paid:
        raise NotFound("The order has no invoice: it is not paid.")
    try:
        return rpc.call(settings().orders_invoices, LocateInvoice(order_id=order_id))
    except CommandRejected as rejection:
        raise NotFound("The order has no invoice.") from rejection


def describe(order_id: str, user_id: str | None) -> Order:
    """Return a placed order, for another service; with a `user_id` only one of this user. Raises NotFound."""
    order = _if_placed(orders.find(user_id, order_id)) if user_id else any_order(order_id)
    if order is None:
        raise NotFound("The order does not exist.")
    return order
