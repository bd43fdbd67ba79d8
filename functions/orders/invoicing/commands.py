"""The commands that invoicing serves: invoices for notify and for the API."""

from orders.domain.orders import Invoice
from orders.invoicing import service
from shared.contracts.commands.invoices import FetchInvoice, InvoiceLinks, IssuedInvoice, LocateInvoice
from shared.messaging.rpc import Commands

commands = Commands()


@commands.on(FetchInvoice)
def fetch(command: FetchInvoice) -> IssuedInvoice:
    number, issued_at = command.invoice_number, command.issued_at
    return service.fetch(command.order_id, Invoice(number, issued_at) if number and issued_at else None)


@commands.on(LocateInvoice)
def locate(command: LocateInvoice) -> InvoiceLinks:
    return service.locate(command.order_id)


handle = commands.handle
