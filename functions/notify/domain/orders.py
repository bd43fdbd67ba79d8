"""Letters about an order: paid for, given up, on its way, arrived, and what comes back of it."""

from typing import Any

from notify.domain.letters import Letter, Template
from notify.domain.wording import line_texts, one_line, pieces_texts, totals, unlinked
from shared.events import InvoiceFacts, OrderFacts, ReturnFacts, ShipmentFacts
from shared.money_text import money_text

DECISIONS = {
    "approved": (Template.RETURN_APPROVED, "is approved"),
    "rejected": (Template.RETURN_REJECTED, "is not accepted"),
}


def confirmation(order: OrderFacts) -> Letter:
    """Once an order, with its lines and totals; not after it was cancelled or delivered."""
    return _letter(
        Template.ORDER_CONFIRMATION,
        order.order_id,
        order,
        f"Your order {order.number} is confirmed",
        {"lines": line_texts(order), "totals": totals(order)},
    )


def expired(order: OrderFacts) -> Letter | None:
    """Once an order; None for one that never came to be payable: its owner never saw it."""
    if not order.lines:
        return None
    return _letter(
        Template.ORDER_EXPIRED,
        order.order_id,
        order,
        f"Your order {order.number} has expired",
        {"lines": line_texts(order), "totals": totals(order)},
    )


def cancelled(order: OrderFacts) -> Letter | None:
    """Once an order, paid or not; None for one that was refused while it was placed: that was said then."""
    if not order.lines:
        return None
    return _letter(
        Template.ORDER_CANCELLED,
        order.order_id,
        order,
        f"Your order {order.number} is cancelled",
        {"lines": line_texts(order), "totals": totals(order), "reason": unlinked(order.reason)},
    )


def shipped(parcel: ShipmentFacts) -> Letter:
    """Once a parcel; not after the whole order was delivered."""
    return _letter(
        Template.ORDER_SHIPPED,
        f"{parcel.order_id}.{parcel.fulfilment_id}",
        parcel,
        f"A parcel of your order {parcel.number} is on its way",
        {
            "lines": pieces_texts(parcel.lines),
            "carrier": unlinked(parcel.carrier),
            "tracking": unlinked(parcel.tracking),
            "complete": parcel.complete,
        },
    )


def delivered(order: OrderFacts) -> Letter:
    """Once an order."""
    return _letter(
        Template.ORDER_DELIVERED,
        order.order_id,
        order,
        f"Your order {order.number} has been delivered",
        {"lines": pieces_texts(order.lines)},
    )


def invoice(issued: InvoiceFacts) -> Letter:
    """Once an invoice, which goes with it."""
    return _letter(
        Template.INVOICE,
        f"{issued.order_id}.{issued.invoice_number}",
        issued,
        f"Your invoice {issued.invoice_number}",
        {"invoice_number": one_line(issued.invoice_number), "total": money_text(issued.total)},
        encloses_invoice_of=issued.order_id,
    )


def return_decided(back: ReturnFacts) -> Letter | None:
    """Once a return and decision; an approval not after the goods came, or were refused after all.

    None where the return says neither: it went on since, and what it came to is told for itself.
    """
    if back.status not in DECISIONS:
        return None
    template, verdict = DECISIONS[back.status]
    return _return_letter(template, back, verdict, {"reason": unlinked(back.reason)})


def return_received(back: ReturnFacts) -> Letter:
    """Once a return, with what will be refunded where that is anything."""
    refund = money_text(back.refund) if back.refund.amount else ""
    return _return_letter(Template.RETURN_RECEIVED, back, "has arrived", {"refund": refund})


def _return_letter(template: Template, back: ReturnFacts, verdict: str, content: dict[str, Any]) -> Letter:
    about = f"{back.order_id}.{back.return_id}"
    return _letter(
        template,
        about,
        back,
        f"Your return for order {back.number} {verdict}",
        {"lines": pieces_texts(back.lines), **content},
        matter=about,
    )


def _letter(
    template: Template,
    about: str,
    of: OrderFacts | ShipmentFacts | InvoiceFacts | ReturnFacts,
    subject: str,
    content: dict[str, Any],
    *,
    matter: str = "",
    encloses_invoice_of: str | None = None,
) -> Letter:
    """A letter to the order's owner, in which the order goes by its number, and by its id in links alone."""
    return Letter(
        template,
        about,
        of.user_id,
        of.email,
        subject,
        {"order_id": of.order_id, "number": one_line(of.number), **content},
        matter or of.order_id,
        encloses_invoice_of,
    )
