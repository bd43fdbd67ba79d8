"""The book of invoice numbers: one row a year, moved in the transaction that writes the orders' invoices."""

from collections.abc import Sequence
from datetime import datetime

from orders.domain.invoicing import Book, invoiced
from orders.domain.orders import Order
from orders.tables.orders import Overtaken, put
from orders.tables.rows import CounterRow, OrderRow
from shared.rows import Contended, Refused, transaction


def book(year: int) -> Book:
    """The year's book as it is now."""
    try:
        return Book(year, int(CounterRow.get(f"invoices#{year}", consistent_read=True).value))
    except CounterRow.DoesNotExist:
        return Book(year, 0)


def issue(current: Book, orders: Sequence[Order], now: datetime) -> list[Order]:
    """Give the orders the numbers after the book's last: all of them or none, so no number is left out.

    Raises Overtaken where the book or one of the orders changed meanwhile.
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
    except (Refused, Contended) as error:
        raise Overtaken(key) from error
    return done
