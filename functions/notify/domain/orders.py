"""Messages about an order, its fulfilments, its invoice and its returns."""

from typing import Any

from notify.domain.messages import InvoiceRef, Message, Template
from notify.domain.text import pieces, priced_lines, totals, unlinked
from shared.contracts.events.orders import (
    FulfilmentData,
    InvoiceData,
    OrderCancelled,
    OrderData,
    OrderDelivered,
    OrderExpired,
    OrderInvoiced,
    OrderPaid,
    OrderReturnDecided,
    OrderReturned,
    OrderShipped,
    ReturnData,
)
from shared.values.text import one_line

DECISIONS = {"approved": Template.RETURN_APPROVED, "rejected": Template.RETURN_REJECTED}


def confirmation(event: OrderPaid) -> Message:
    """Return the message, one per order, with its lines and totals, but without an invoice."""
    return _confirmation(event.data, None)


def confirmation_with_invoice(event: OrderInvoiced) -> Message:
    """Return the same message as `confirmation`, with the invoice's number and the invoice attached."""
    return _confirmation(event.data, _invoice_ref(event.data))


def _confirmation(order: OrderData, invoice: InvoiceRef | None) -> Message:
    return _message(
        Template.ORDER_CONFIRMATION,
        order.order_id,
        order,
        {
            "lines": priced_lines(order),
            "totals": totals(order),
            "total": order.total,
            "placed_at": order.placed_at,
            "invoice_number": one_line(invoice.number) if invoice else None,
        },
        invoice=invoice,
    )


def expired(event: OrderExpired) -> Message | None:
    """Return the message, one per order; None if the order was never placed, because its owner never saw
    it."""
    order = event.data
    if not order.lines:
        return None
    content = {"lines": priced_lines(order), "totals": totals(order)}
    return _message(Template.ORDER_EXPIRED, order.order_id, order, content)


def cancelled(event: OrderCancelled) -> Message | None:
    """Return the message, one per order; None if the order was never placed, because the checkout showed the
    rejection."""
    order = event.data
    if not order.lines:
        return None
    content = {"lines": priced_lines(order), "totals": totals(order), "reason": order.reason}
    return _message(Template.ORDER_CANCELLED, order.order_id, order, content)


def shipped(event: OrderShipped) -> Message:
    """Return the message, one per fulfilment."""
    fulfilment = event.data
    return _message(
        Template.ORDER_SHIPPED,
        f"{fulfilment.order_id}.{fulfilment.fulfilment_id}",
        fulfilment,
        {
            "lines": pieces(fulfilment.lines),
            "carrier": unlinked(fulfilment.carrier),
            "tracking": unlinked(fulfilment.tracking),
            "fully_shipped": fulfilment.fully_shipped,
        },
    )


def delivered(event: OrderDelivered) -> Message:
    """Return the message, one per order."""
    order = event.data
    return _message(Template.ORDER_DELIVERED, order.order_id, order, {"lines": pieces(order.lines)})


def invoice(event: OrderInvoiced) -> Message:
    """Return the message with the invoice alone, one per invoice."""
    invoice = event.data
    return _message(
        Template.INVOICE,
        f"{invoice.order_id}.{invoice.invoice_number}",
        invoice,
        {"invoice_number": one_line(invoice.invoice_number), "total": invoice.total},
        invoice=_invoice_ref(invoice),
    )


def _invoice_ref(invoice: InvoiceData) -> InvoiceRef:
    return InvoiceRef(invoice.order_id, invoice.invoice_number, invoice.issued_at)


def return_decided(event: OrderReturnDecided) -> Message | None:
    """Return the message, one per return and decision; None if the return has left that status, because a
    later event reports it."""
    return_ = event.data
    if return_.status not in DECISIONS:
        return None
    return _return_message(DECISIONS[return_.status], return_, {"reason": unlinked(return_.reason)})


def return_received(event: OrderReturned) -> Message:
    """Return the message, one per return, with the amount to be refunded, if any."""
    return_ = event.data
    refund = return_.refund if return_.refund.amount else None
    return _return_message(Template.RETURN_RECEIVED, return_, {"refund": refund})


def _return_message(template: Template, return_: ReturnData, content: dict[str, Any]) -> Message:
    subject_id = f"{return_.order_id}.{return_.return_id}"
    content = {"lines": pieces(return_.lines), **content}
    return _message(template, subject_id, return_, content, subject_id=subject_id)


def _message(
    template: Template,
    dedupe_key: str,
    data: OrderData | FulfilmentData | ReturnData,
    content: dict[str, Any],
    *,
    subject_id: str = "",
    invoice: InvoiceRef | None = None,
) -> Message:
    """Return a message to the order's owner. It shows the order's number; the id is in links only."""
    return Message(
        template=template,
        dedupe_key=dedupe_key,
        user_id=data.user_id,
        to=data.email,
        content={"order_id": data.order_id, "number": one_line(data.number), **content},
        subject_id=subject_id or data.order_id,
        invoice=invoice,
        order_id=data.order_id,
    )
