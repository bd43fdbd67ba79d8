"""Questions in: an invoice is asked for."""

from orders.invoicing import service
from shared.invoke import Commands
from shared.questions import FetchInvoice, InvoiceLinks, IssuedInvoice, LocateInvoice

commands = Commands()


@commands.on(FetchInvoice)
def fetch(question: FetchInvoice) -> IssuedInvoice:
    return service.fetch(question.order_id)


@commands.on(LocateInvoice)
def locate(question: LocateInvoice) -> InvoiceLinks:
    return service.locate(question.order_id)


handle = commands.handle
