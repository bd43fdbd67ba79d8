"""The commands that invoicing serves: invoices for notify and for the API."""

from orders.invoicing import service
from shared.contracts.commands import FetchInvoice, InvoiceLinks, IssuedInvoice, LocateInvoice
from shared.messaging.rpc import Commands

commands = Commands()


@commands.on(FetchInvoice)
def fetch(command: FetchInvoice) -> IssuedInvoice:
    return service.fetch(command.order_id)


@commands.on(LocateInvoice)
def locate(command: LocateInvoice) -> InvoiceLinks:
    return service.locate(command.order_id)


handle = commands.handle
