"""Payments as their owners and staff see them."""

from typing import Any

from payments.domain import NoSuchPayment, Payment
from payments.settings import settings
from payments.tables import payments
from shared.identity import Caller
from shared.paging import Cursors
from shared.secrets import secret

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


def may_see(caller: Caller, user_id: str) -> bool:
    """Whether what is `user_id`'s is the caller's, or the caller is staff."""
    return caller.is_staff or caller.user_id == user_id
