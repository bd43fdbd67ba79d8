"""The use cases: each letter once, however often its reason comes."""

from notify import mailer, orders_gateway, tables
from notify.domain import accounts, orders, payments
from notify.domain.letters import Enclosure, Letter, Status
from notify.rendering import render
from shared import clock, observe
from shared.events import InvoiceFacts, OrderFacts, PaymentFacts, ReturnFacts, ShipmentFacts, UserFacts
from shared.invoke import Declined
from shared.observe import log


def welcome(user: UserFacts, event_id: str) -> None:
    """Greet a new user."""
    tell(accounts.welcome(user), event_id)


def confirm_order(order: OrderFacts, event_id: str) -> None:
    """Confirm a paid order."""
    tell(orders.confirmation(order), event_id)


def report_expiry(order: OrderFacts, event_id: str) -> None:
    """Say that an unpaid order was given up."""
    tell(orders.expired(order), event_id)


def report_cancellation(order: OrderFacts, event_id: str) -> None:
    """Say that an order was cancelled, and why."""
    tell(orders.cancelled(order), event_id)


def send_invoice(issued: InvoiceFacts, event_id: str) -> None:
    """Send an invoice as a PDF."""
    tell(orders.invoice(issued), event_id)


def report_parcel(parcel: ShipmentFacts, event_id: str) -> None:
    """Say that a parcel is on its way."""
    tell(orders.shipped(parcel), event_id)


def report_delivery(order: OrderFacts, event_id: str) -> None:
    """Say that all of an order arrived."""
    tell(orders.delivered(order), event_id)


def report_decision(back: ReturnFacts, event_id: str) -> None:
    """Say whether goods may come back."""
    tell(orders.return_decided(back), event_id)


def report_return(back: ReturnFacts, event_id: str) -> None:
    """Say that goods came back, and what that brings."""
    tell(orders.return_received(back), event_id)


def report_decline(payment: PaymentFacts, event_id: str) -> None:
    """Say that a payment failed and how to try again."""
    tell(payments.failed(payment, event_id), event_id)


def report_refund(payment: PaymentFacts, event_id: str) -> None:
    """Say that money went back."""
    tell(payments.refunded(payment, event_id), event_id)


def tell(letter: Letter | None, event_id: str) -> None:
    """Send the letter, where there is one to send, unless it was sent; at least once if the process dies
    between sending and recording.

    Raises BeingSent while another sender holds it, and whatever passes by itself: the queue tries again.
    """
    if letter is None:
        return
    claimed = tables.claim(letter, event_id, clock.now())
    if claimed is None:
        return
    if tables.is_told(letter.overtaken_by):
        _settle(claimed, Status.SUPPRESSED, reason="overtaken by later news of the order")
        return
    try:
        mail = render(letter, _enclosures(letter))
        provider_id = mailer.send(letter.id, letter.to, mail)
    except (mailer.Rejected, Declined) as refusal:
        _settle(claimed, Status.FAILED, reason=str(refusal))
    except Exception:
        tables.release(claimed)  # it did not go out, so the next try need not wait for the lease
        raise
    else:
        _settle(claimed, Status.SENT, provider_id=provider_id)


def _enclosures(letter: Letter) -> tuple[Enclosure, ...]:
    """What goes with the letter. Raises Declined, Unavailable."""
    order_id = letter.encloses_invoice_of
    return (orders_gateway.invoice(order_id),) if order_id else ()


def _settle(
    claimed: tables.NotificationRow,
    status: Status,
    *,
    provider_id: str | None = None,
    reason: str | None = None,
) -> None:
    tables.settle(claimed, status, clock.now(), provider_id=provider_id, reason=reason)
    log.info("told", extra={"notification": claimed.pk, "template": claimed.template, "status": status})
    observe.count(f"Notifications{status.capitalize()}")
