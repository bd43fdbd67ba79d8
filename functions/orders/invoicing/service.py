"""The use cases of invoicing: number, render and store an invoice, and return it."""

from base64 import b64encode

from orders.domain.orders import Order
from orders.invoicing import archive, html, pdf
from orders.invoicing.archive import FileFormat
from orders.invoicing.document import Seller, document_of, invoice_of
from orders.invoicing.settings import settings
from orders.service import invoices
from orders.tables import orders
from shared.contracts.commands import InvoiceLinks, IssuedInvoice
from shared.errors import NotFound
from shared.runtime.observability import count


def store(order: Order) -> None:
    """Render and store both files of a numbered invoice, unless they exist.

    The PDF is stored last, so if it exists, both do.
    """
    document = document_of(order, _seller())
    archive.put(order, FileFormat.HTML, html.render(document))
    if archive.put(order, FileFormat.PDF, pdf.render(document)):
        count("InvoicesStored")


def fetch(order_id: str) -> IssuedInvoice:
    """Return the order's invoice with its PDF; issue it first if needed. Raises NotFound,
    ConcurrentUpdate."""
    order = invoiced_order(order_id)
    file = archive.get(order, FileFormat.PDF)
    if file is None:
        store(order)
        file = archive.get(order, FileFormat.PDF)  # not the rendered one: another call may have stored first
    if file is None:
        raise RuntimeError(f"{archive.key_of(order, FileFormat.PDF)} was stored but cannot be read")
    invoice = invoice_of(order)
    return IssuedInvoice(
        invoice_number=invoice.number, issued_at=invoice.issued_at, pdf=b64encode(file).decode()
    )


def locate(order_id: str) -> InvoiceLinks:
    """Return links to the order's invoice; issue it first if needed. Raises NotFound, ConcurrentUpdate."""
    order = invoiced_order(order_id)
    if not archive.exists(order, FileFormat.PDF):
        store(order)
    invoice = invoice_of(order)
    return InvoiceLinks(
        invoice_number=invoice.number,
        issued_at=invoice.issued_at,
        url=archive.link(order, FileFormat.PDF),
        html_url=archive.link(order, FileFormat.HTML),
    )


def invoiced_order(order_id: str) -> Order:
    """Return the paid order, after giving it an invoice number if it has none.

    Raises NotFound, ConcurrentUpdate.
    """
    order = orders.find_any(order_id)
    if order is None or not order.was_paid:
        raise NotFound("There is no paid order with this id.")
    return order if order.invoice else invoices.issue([order_id])[order_id]


def _seller() -> Seller:
    known = settings()
    return Seller(
        name=known.orders_seller_name,
        address=tuple(line.strip() for line in known.orders_seller_address.split("|")),
        tax_id=known.orders_seller_tax_id,
    )
