"""The counters of invoice numbers: one row per year, updated in the transaction that writes the invoices."""

from collections.abc import Sequence
from datetime import datetime

from orders.domain.invoicing import InvoiceSeries, invoiced
from orders.domain.orders import Order
from orders.tables.orders import put
from orders.tables.rows import CounterRow, OrderRow
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.rows import ConcurrentUpdate, ConditionFailed, transaction


def invoice_series(year: int) -> InvoiceSeries:
    """Return the invoice numbers issued in the year so far."""
    try:
        return InvoiceSeries(year, int(CounterRow.get(f"invoices#{year}", consistent_read=True).value))
    except CounterRow.DoesNotExist:
        return InvoiceSeries(year, 0)


def issue(series: InvoiceSeries, orders: Sequence[Order], now: datetime) -> list[Order]:
    """Give the orders the next numbers in one transaction, so that no number is skipped.

    Raises VersionConflict if the series or one of the orders changed.
    """
    issued = [invoiced(order, series.number(position), now) for position, order in enumerate(orders, 1)]
    key = f"invoices#{series.year}"
    try:
        with transaction(OrderRow) as writes:
            for order in issued:
                put(writes, order)
            writes.update(
                CounterRow(key),
                [CounterRow.value.set(series.last + len(issued))],
                CounterRow.value == series.last if series.last else CounterRow.pk.does_not_exist(),
            )
    except (ConditionFailed, ConcurrentUpdate) as error:
        raise VersionConflict(key) from error
    return issued
