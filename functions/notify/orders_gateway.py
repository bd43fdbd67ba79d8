"""Calls to orders: invoices."""

import re
from base64 import b64decode

from notify.domain.messages import Attachment, InvoiceRef
from notify.settings import settings
from shared.contracts.commands.invoices import FetchInvoice
from shared.messaging import rpc

# seconds; a cold start and a rendered PDF take 3. A message of the same batch still has time to be sent.
TIMEOUT = 10


def invoice(ref: InvoiceRef) -> Attachment:
    """Return the invoice as a PDF named after its number.

    Raises CommandRejected if there is none, Unavailable if orders does not respond.
    """
    wanted = FetchInvoice(order_id=ref.order_id, invoice_number=ref.number, issued_at=ref.issued_at)
    issued = rpc.call(settings().orders_invoices, wanted, timeout=TIMEOUT)
    name = re.sub(r"[^A-Za-z0-9_-]", "-", issued.invoice_number)
    return Attachment(f"{name}.pdf", "application/pdf", b64decode(issued.pdf, validate=True))
