"""The numbering of invoices."""

from dataclasses import dataclass
from datetime import datetime

from orders.domain.orders import Invoice, Order
from orders.domain.timeline import Entry, TimelineEvent


@dataclass(frozen=True)
class InvoiceSeries:
    """The invoice numbers of a year; `last` is the one issued last, 0 if none."""

    year: int
    last: int

    def number(self, position: int) -> str:
        """Return the number at `position` after the last, counted from 1: `2026-000123`."""
        return f"{self.year}-{self.last + position:06}"


def needs_invoice(order: Order) -> bool:
    return order.was_paid and order.invoice is None


def invoiced(order: Order, number: str, now: datetime) -> Order:
    """Return the order with this invoice number."""
    entry = Entry(now, TimelineEvent.INVOICED, "system", number)
    return order.changed(entry, invoice=Invoice(number, now))
