"""Letters about an order: paid for, given up, on its way, arrived, and what comes back of it."""

from typing import Any

from notify.domain.letters import Letter, Template
from notify.domain.wording import pieces, priced_lines, totals, unlinked
from shared.contracts.events import FulfilmentData, InvoiceData, OrderData, ReturnData
from shared.values.text import one_line

DECISIONS = {"approved": Template.RETURN_APPROVED, "rejected": Template.RETURN_REJECTED}


def confirmation(order: OrderData) -> Letter:
    """Once an order, with its lines and totals; not after it was cancelled or delivered."""
    return _letter(
        Template.ORDER_CONFIRMATION,
        order.order_id,
        order,
        {
            "lines": priced_lines(order),
            "totals": totals(order),
            "total": order.total,
            "placed_at": order.placed_at,
        },
    )


def expired(order: OrderData) -> Letter | None:
    """Once an order; None for one that never came to be payable: its owner never saw it."""
    if not order.lines:
        return None
    return _letter(
        Template.ORDER_EXPIRED,
        order.order_id,
        order,
        {"lines": priced_lines(order), "totals": totals(order)},
    )


def cancelled(order: OrderData) -> Letter | None:
    """Once an order, paid or not; None for one that was refused while it was placed: that was said then."""
    if not order.lines:
        return None
    return _letter(
        Template.ORDER_CANCELLED,
        order.order_id,
        order,
        {"lines": priced_lines(order), "totals": totals(order), "reason": unlinked(order.reason)},
    )


def shipped(parcel: FulfilmentData) -> Letter:
    """Once a parcel; not after the whole order was delivered."""
    return _letter(
        Template.ORDER_SHIPPED,
        f"{parcel.order_id}.{parcel.fulfilment_id}",
        parcel,
        {
            "lines": pieces(parcel.lines),
            "carrier": unlinked(parcel.carrier),
            "tracking": unlinked(parcel.tracking),
            "fully_shipped": parcel.fully_shipped,
        },
    )


def delivered(order: OrderData) -> Letter:
    """Once an order."""
    return _letter(
        Template.ORDER_DELIVERED,
        order.order_id,
        order,
        {"lines": pieces(order.lines)},
    )


def invoice(issued: InvoiceData) -> Letter:
    """Once an invoice, which goes with it."""
    return _letter(
        Template.INVOICE,
        f"{issued.order_id}.{issued.invoice_number}",
        issued,
        {"invoice_number": one_line(issued.invoice_number), "total": issued.total},
        encloses_invoice_of=issued.order_id,
    )


def return_decided(back: ReturnData) -> Letter | None:
    """Once a return and decision; an approval not after the goods came, or were refused after all.

    None where the return says neither: it went on since, and what it came to is told for itself.
    """
    if back.status not in DECISIONS:
        return None
    return _return_letter(DECISIONS[back.status], back, {"reason": unlinked(back.reason)})


def return_received(back: ReturnData) -> Letter:
    """Once a return, with what will be refunded where that is anything."""
    refund = back.refund if back.refund.amount else None
    return _return_letter(Template.RETURN_RECEIVED, back, {"refund": refund})


def _return_letter(template: Template, back: ReturnData, content: dict[str, Any]) -> Letter:
    about = f"{back.order_id}.{back.return_id}"
    return _letter(template, about, back, {"lines": pieces(back.lines), **content}, matter=about)


def _letter(
    template: Template,
    about: str,
    of: OrderData | FulfilmentData | InvoiceData | ReturnData,
    content: dict[str, Any],
    *,
    matter: str = "",
    encloses_invoice_of: str | None = None,
) -> Letter:
    """A letter to the order's owner, in which the order goes by its number, and by its id in links alone."""
    return Letter(
        template=template,
        about=about,
        user_id=of.user_id,
        to=of.email,
        content={"order_id": of.order_id, "number": one_line(of.number), **content},
        matter=matter or of.order_id,
        encloses_invoice_of=encloses_invoice_of,
        order_id=of.order_id,
    )
