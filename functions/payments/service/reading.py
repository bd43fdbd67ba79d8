"""Payments as their owners and staff see them."""

from typing import Any

from payments.domain.ledger import Entry
from payments.domain.payments import NoSuchPayment, Payment
from payments.domain.refunds import Refund
from payments.settings import settings
from payments.tables import ledger, payments, refunds
from shared.http.identity import Caller
from shared.http.paging import Cursors
from shared.runtime.secrets import secret

cursors = Cursors(lambda: secret(settings().payments_cursor_secret_arn)["key"])


def payment(caller: Caller, payment_id: str) -> Payment:
    """One payment. Raises NoSuchPayment where it is not there or not the caller's."""
    found = payments.payment(payment_id)
    if found is None or not may_see(caller, found.user_id):
        raise NoSuchPayment("There is no such payment.")
    return found


def payments_of(
    caller: Caller, order_id: str, limit: int, cursor: str | None
) -> tuple[list[Payment], str | None]:
    """A page of an order's payments, oldest first; none where the order is not the caller's."""
    list_of = f"payments {order_id}"
    start: dict[str, Any] | None = cursors.read(cursor, list_of)
    found, last = payments.payments_of(order_id, limit, start)
    return [each for each in found if may_see(caller, each.user_id)], cursors.write(last, list_of)


def refunds_of(payment_id: str, limit: int, cursor: str | None) -> tuple[Payment, list[Refund], str | None]:
    """The payment and a page of its refunds. Raises NoSuchPayment."""
    held, list_of = _held(payment_id), f"refunds {payment_id}"
    found, last = refunds.page(payment_id, limit, cursors.read(cursor, list_of))
    return held, found, cursors.write(last, list_of)


def ledger_of(payment_id: str, limit: int, cursor: str | None) -> tuple[list[Entry], str | None]:
    """A page of a payment's ledger, oldest first. Raises NoSuchPayment."""
    _held(payment_id)
    list_of = f"ledger {payment_id}"
    found, last = ledger.page(payment_id, limit, cursors.read(cursor, list_of))
    return found, cursors.write(last, list_of)


def _held(payment_id: str) -> Payment:
    found = payments.payment(payment_id)
    if found is None:
        raise NoSuchPayment("There is no such payment.")
    return found


def may_see(caller: Caller, user_id: str) -> bool:
    """Whether what is `user_id`'s is the caller's, or the caller is staff."""
    return caller.is_staff or caller.user_id == user_id
