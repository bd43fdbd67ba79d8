"""Calls to orders: invoices."""

import re
from base64 import b64decode

from notify.domain.messages import Attachment
from notify.settings import settings
from shared.contracts.commands.invoices import FetchInvoice
from shared.messaging import rpc


def invoice(order_id: str) -> Attachment:
    """Return the order's invoice as a PDF named after its number.

    Raises CommandRejected if there is none, Unavailable if orders does not respond.
    """
    issued = rpc.call(settings().orders_invoices, FetchInvoice(order_id=order_id))
    name = re.sub(r"[^A-Za-z0-9_-]", "-", issued.invoice_number)
    return Attachment(f"{name}.pdf", "application/pdf", b64decode(issued.pdf, validate=True))
