"""The use cases: every paid order's invoice is numbered once, drawn, and kept."""

from base64 import b64encode

from orders.domain.orders import Order
from orders.invoicing import archive, html, pdf
from orders.invoicing.archive import Form
from orders.invoicing.document import Seller, document_of, invoice_of
from orders.invoicing.settings import settings
from orders.service import invoices
from orders.tables import orders
from shared.contracts.commands import InvoiceLinks, IssuedInvoice
from shared.errors import NotFound
from shared.runtime.observability import count


def keep(order: Order) -> None:
    """Draw the invoice of an order that has its number, and put both its files into the archive.

    Safe to do again: files that are there stay as they are. The PDF is the last: where it is, the page is.
    """
    document = document_of(order, _seller())
    archive.put(order, Form.HTML, html.render(document))
    if archive.put(order, Form.PDF, pdf.render(document)):
        count("InvoicesKept")


def keep_of(order_id: str) -> None:
    """The same for a paid order, numbered now where it was not. Raises NotFound, ConcurrentUpdate."""
    keep(_numbered(order_id))


def fetch(order_id: str) -> IssuedInvoice:
    """The order's invoice with its PDF, made now where it was not. Raises NotFound, ConcurrentUpdate."""
    order = _numbered(order_id)
    file = archive.get(order, Form.PDF)
    if file is None:
        keep(order)
        file = archive.get(order, Form.PDF)  # another may have been faster: what is told is what is kept
    if file is None:
        raise RuntimeError(f"{archive.key_of(order, Form.PDF)} was kept, and cannot be read")
    invoice = invoice_of(order)
    return IssuedInvoice(
        invoice_number=invoice.number, issued_at=invoice.issued_at, pdf=b64encode(file).decode()
    )


def locate(order_id: str) -> InvoiceLinks:
    """Where the order's invoice can be read, made now where it was not. Raises NotFound, ConcurrentUpdate."""
    order = _numbered(order_id)
    if not archive.holds(order, Form.PDF):
        keep(order)
    invoice = invoice_of(order)
    return InvoiceLinks(
        invoice_number=invoice.number,
        issued_at=invoice.issued_at,
        url=archive.link(order, Form.PDF),
        html_url=archive.link(order, Form.HTML),
    )


def _numbered(order_id: str) -> Order:
    order = orders.find_any(order_id)
    if order is None or not order.was_paid:
        raise NotFound("There is no paid order of that id.")
    return order if order.invoice else invoices.issue([order_id])[order_id]


def _seller() -> Seller:
    made = settings()
    return Seller(
        name=made.orders_seller_name,
        address=tuple(line.strip() for line in made.orders_seller_address.split("|")),
        tax_id=made.orders_seller_tax_id,
    )
