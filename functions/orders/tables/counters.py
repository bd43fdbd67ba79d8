"""The book of invoice numbers: one row a year, moved in the transaction that writes the orders' invoices."""

from collections.abc import Sequence
from datetime import datetime

from orders.domain.invoicing import Book, invoiced
from orders.domain.orders import Order
from orders.tables.orders import VersionConflict, put
from orders.tables.rows import CounterRow, OrderRow
from shared.dynamodb.rows import ConcurrentUpdate, ConditionFailed, transaction


def book(year: int) -> Book:
    """The year's book as it is now."""
    try:
        return Book(year, int(CounterRow.get(f"invoices#{year}", consistent_read=True).value))
    except CounterRow.DoesNotExist:
        return Book(year, 0)


def issue(current: Book, orders: Sequence[Order], now: datetime) -> list[Order]:
    """Give the orders the numbers after the book's last: all of them or none, so no number is left out.

    Raises VersionConflict where the book or one of the orders changed meanwhile.
    """
    done = [invoiced(order, current.number(place), now) for place, order in enumerate(orders, 1)]
    key = f"invoices#{current.year}"
    try:
        with transaction(OrderRow) as writes:
            for order in done:
                put(writes, order)
            writes.update(
                CounterRow(key),
                [CounterRow.value.set(current.last + len(done))],
                CounterRow.value == current.last if current.last else CounterRow.pk.does_not_exist(),
            )
    except (ConditionFailed, ConcurrentUpdate) as error:
        raise VersionConflict(key) from error
    return done
