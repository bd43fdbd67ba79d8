"""The use cases of invoicing: number, render and store an invoice, and return it."""

from base64 import b64encode

from orders.domain.orders import Invoice, Order
from orders.invoicing import archive, html, pdf
from orders.invoicing.archive import FileFormat
from orders.invoicing.document import Seller, document_of, invoice_of
from orders.invoicing.settings import settings
from orders.service import invoices
from orders.tables import orders
from shared.contracts.commands.invoices import InvoiceLinks, IssuedInvoice
from shared.errors import NotFound
from shared.runtime.observability import count


def store(order: Order) -> None:
    """Render and store both files of a numbered invoice, unless they exist.

    The PDF is stored last, so if it exists, both do.
    """
    document, invoice = document_of(order, _seller()), invoice_of(order)
    archive.put(order.order_id, invoice, FileFormat.HTML, html.render(document))
    if archive.put(order.order_id, invoice, FileFormat.PDF, pdf.render(document)):
        count("InvoicesStored")


def fetch(order_id: str, issued: Invoice | None = None) -> IssuedInvoice:
    """Return the order's invoice with its PDF; issue it first if needed. Raises NotFound,
    ConcurrentUpdate.

    The order is not read if the file of the invoice `issued` is stored.
    """
    file = archive.get(order_id, issued, FileFormat.PDF) if issued else None
    if issued and file is not None:
        return _issued(issued, file)
    order = invoiced_order(order_id)
    invoice = invoice_of(order)
    file = archive.get(order_id, invoice, FileFormat.PDF)
    if file is None:
        store(order)
        # Not the rendered one, because another call may have stored its file first.
        file = archive.get(order_id, invoice, FileFormat.PDF)
    if file is None:
        key = archive.key_of(order_id, invoice, FileFormat.PDF)
        raise RuntimeError(f"{key} was stored but cannot be read")
    return _issued(invoice, file)


def locate(order_id: str) -> InvoiceLinks:
    """Return links to the order's invoice; issue it first if needed. Raises NotFound, ConcurrentUpdate."""
    order = invoiced_order(order_id)
    invoice = invoice_of(order)
    if not archive.exists(order_id, invoice, FileFormat.PDF):
        store(order)
    return InvoiceLinks(
        invoice_number=invoice.number,
        issued_at=invoice.issued_at,
        url=archive.link(order_id, invoice, FileFormat.PDF),
        html_url=archive.link(order_id, invoice, FileFormat.HTML),
    )


def invoiced_order(order_id: str) -> Order:
    """Return the paid order, after giving it an invoice number if it has none.

    Raises NotFound, ConcurrentUpdate.
    """
    order = orders.find_any(order_id)
    if order is None or not order.was_paid:
        raise NotFound("There is no paid order with this id.")
    return order if order.invoice else invoices.issue({order_id: order.user_id})[order_id]


def _issued(invoice: Invoice, file: bytes) -> IssuedInvoice:
    return IssuedInvoice(
        invoice_number=invoice.number, issued_at=invoice.issued_at, pdf=b64encode(file).decode()
    )


def _seller() -> Seller:
    known = settings()
    return Seller(
        name=known.orders_seller_name,
        address=tuple(line.strip() for line in known.orders_seller_address.split("|")),
        tax_id=known.orders_seller_tax_id,
    )
