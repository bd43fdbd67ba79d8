"""The confirmation and the invoice of a paid order: one email if the invoice is ready in time, else two.

Whoever stores the confirmation first decides: with the invoice (`order.invoiced`) or without (`order.paid`,
once it has waited). A confirmation stays what it was stored as, so an invoice is never attached twice.
"""

from functools import cache

from notify import orders_gateway, own_queue
from notify.domain import orders
from notify.domain.messages import Attachment, InvoiceRef
from notify.domain.outcomes import Cause
from notify.service import delivery
from notify.settings import settings
from shared.contracts.events.orders import OrderInvoiced, OrderPaid
from shared.messaging.rpc import CommandRejected


def await_invoice(event: OrderPaid) -> None:
    """Postpone the confirmation, so that the invoice can be attached; send the text message now.

    Raises BeingSentError, and any temporary failure.
    """
    message = orders.confirmation(event)
    recipient, stored = delivery.read(message)
    if message.id not in stored:
        own_queue.postpone(event, settings().notify_invoice_wait)
    if not delivery.superseded(message, stored):
        delivery.send_sms(message, recipient, event.id)


def confirm(event: OrderPaid) -> None:
    """Send the confirmation without the invoice, unless it is stored with the invoice.

    Raises BeingSentError, and any temporary failure.
    """
    message = orders.confirmation(event)
    recipient, stored = delivery.read(message)
    confirmation = stored.get(message.id)
    # If its sender failed, the event `order.invoiced` is delivered again and sends it.
    if confirmation is None or not confirmation.invoice_number:
        delivery.deliver(message, event.id, recipient, stored)


def send_invoice(event: OrderInvoiced) -> None:
    """Send the invoice with the confirmation; alone if that is stored without it, or is superseded.

    The file is fetched before a notification is claimed: if orders does not respond, the confirmation is sent
    without it. Raises BeingSentError, and any temporary failure.
    """
    both, alone = orders.confirmation_with_invoice(event), orders.invoice(event)
    recipient, stored = delivery.read(both, alone.id)
    confirmation, attach = stored.get(both.id), cache(_attachment)
    try:
        if alone.id not in stored and (confirmation is None or confirmation.invoice_number):
            row = delivery.deliver(both, event.id, recipient, stored, attach)
            if row.invoice_number and row.cause != Cause.SUPERSEDED:
                return
        delivery.deliver(alone, event.id, recipient, stored, attach)
    except CommandRejected as rejection:
        delivery.record_rejection(alone, event.id, stored, str(rejection))


def _attachment(ref: InvoiceRef) -> tuple[Attachment, ...]:
    return (orders_gateway.invoice(ref),)
