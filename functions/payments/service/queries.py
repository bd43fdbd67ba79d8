"""Reads of payments, refunds and ledgers for owners and staff."""

from typing import Any

from payments.domain.ledger import Entry
from payments.domain.payments import NoSuchPayment, Payment
from payments.domain.refunds import Refund
from payments.settings import settings
from payments.tables import ledger, payments, refunds
from shared.http.identity import Caller
from shared.http.paging import Cursors, Listed
from shared.runtime.secrets import secret

cursors = Cursors(lambda: secret(settings().payments_cursor_secret_arn)["key"])


def payment(caller: Caller, payment_id: str) -> Payment:
    """Return one payment. Raises NoSuchPayment if it does not exist or is not the caller's."""
    found = payments.payment(payment_id)
    if found is None or not _may_see(caller, found.order.user_id):
        raise NoSuchPayment("The payment does not exist.")
    return found


def payments_of(caller: Caller, order_id: str, limit: int, cursor: str | None) -> Listed[Payment]:
    """Return a page of an order's payments, oldest first; none if the order is not the caller's."""
    list_of = f"payments {order_id}"
    start: dict[str, Any] | None = cursors.read(cursor, list_of)
    found = payments.payments_of(order_id, limit, start)
    if not all(_may_see(caller, each.order.user_id) for each in found.items):  # an order has one owner
        return Listed([], lambda count: None)
    return cursors.listed(found, list_of)


def refunds_of(payment_id: str, limit: int, cursor: str | None) -> tuple[Payment, Listed[Refund]]:
    """Return the payment and a page of its refunds. Raises NoSuchPayment."""
    held, list_of = _existing(payment_id), f"refunds {payment_id}"
    return held, cursors.listed(refunds.page(payment_id, limit, cursors.read(cursor, list_of)), list_of)


def ledger_of(payment_id: str, limit: int, cursor: str | None) -> Listed[Entry]:
    """Return a page of a payment's ledger, oldest first. Raises NoSuchPayment."""
    _existing(payment_id)
    list_of = f"ledger {payment_id}"
    return cursors.listed(ledger.page(payment_id, limit, cursors.read(cursor, list_of)), list_of)


def _existing(payment_id: str) -> Payment:
    found = payments.payment(payment_id)
    if found is None:
        raise NoSuchPayment("The payment does not exist.")
    return found


def _may_see(caller: Caller, user_id: str) -> bool:
    """Return whether the caller is this user, or staff."""
    return caller.is_staff or caller.user_id == user_id
