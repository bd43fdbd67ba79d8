"""Orders, asked by Lambda invoke: an invoice as it is kept."""

import re
from base64 import b64decode

from notify.domain.letters import Enclosure
from notify.settings import settings
from shared.contracts.commands import FetchInvoice
from shared.messaging import rpc


def invoice(order_id: str) -> Enclosure:
    """The order's invoice as a PDF called after its number.

    Raises CommandRejected where there is none, Unavailable where orders does not answer.
    """
    issued = rpc.call(settings().orders_invoices, FetchInvoice(order_id=order_id))
    name = re.sub(r"[^A-Za-z0-9_-]", "-", issued.invoice_number)
    return Enclosure(f"{name}.pdf", "application/pdf", b64decode(issued.pdf, validate=True))
