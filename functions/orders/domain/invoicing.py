"""The invoice of an order that was paid."""

from dataclasses import dataclass
from datetime import datetime

from orders.domain.orders import Invoice, Order
from orders.domain.timeline import Entry, TimelineEvent


@dataclass(frozen=True)
class Book:
    """A year's invoices so far: `last` is the number that was given last."""

    year: int
    last: int

    def number(self, place: int) -> str:
        """The place-th number after the last, from 1."""
        return f"{self.year}-{self.last + place:06}"


def wants_invoice(order: Order) -> bool:
    return order.was_paid and order.invoice is None


def invoiced(order: Order, number: str, now: datetime) -> Order:
    """The order with its invoice's number."""
    return order.changed(Entry(now, TimelineEvent.INVOICED, "system", number), invoice=Invoice(number, now))
