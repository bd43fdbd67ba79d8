"""The commands about invoices, which orders' invoicing function handles."""

from datetime import datetime
from typing import ClassVar

from shared.contracts.commands.base import Command, Message


class IssuedInvoice(Message):
    """A stored invoice: its number, and the PDF in base64."""

    invoice_number: str
    issued_at: datetime
    pdf: str


class FetchInvoice(Command):
    """Return a paid order's invoice; issue it if needed. Handled by orders. Rejected with `not-found`.

    With `invoice_number` and `issued_at` a stored invoice is returned without reading the order.
    """

    command: ClassVar[str] = "fetch_invoice"
    result: ClassVar = IssuedInvoice

    order_id: str
    invoice_number: str | None = None
    issued_at: datetime | None = None


class InvoiceLinks(Message):
    """Links to an invoice, valid for 15 minutes: `url` is the PDF, `html_url` the page."""

    invoice_number: str
    issued_at: datetime
    url: str
    html_url: str


class LocateInvoice(Command):
    """Like FetchInvoice, but return links for a browser. Rejected with `not-found`."""

    command: ClassVar[str] = "locate_invoice"
    result: ClassVar = InvoiceLinks

    order_id: str
