"""Orders, asked by Lambda invoke: an invoice as it is kept."""

import re
from base64 import b64decode

from notify.domain.letters import Enclosure
from notify.settings import settings
from shared import invoke
from shared.questions import FetchInvoice


def invoice(order_id: str) -> Enclosure:
    """The order's invoice as a PDF called after its number.

    Raises Declined where there is none, Unavailable where orders does not answer.
    """
    issued = invoke.ask(settings().orders_invoices, FetchInvoice(order_id=order_id))
    name = re.sub(r"[^A-Za-z0-9_-]", "-", issued.invoice_number)
    return Enclosure(f"{name}.pdf", "application/pdf", b64decode(issued.pdf, validate=True))
