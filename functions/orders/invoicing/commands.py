"""Questions in: an invoice is asked for."""

from orders.invoicing import service
from shared.contracts.commands import FetchInvoice, InvoiceLinks, IssuedInvoice, LocateInvoice
from shared.messaging.rpc import Commands

commands = Commands()


@commands.on(FetchInvoice)
def fetch(question: FetchInvoice) -> IssuedInvoice:
    return service.fetch(question.order_id)


@commands.on(LocateInvoice)
def locate(question: LocateInvoice) -> InvoiceLinks:
    return service.locate(question.order_id)


handle = commands.handle
