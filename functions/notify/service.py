"""The use cases: each letter once, however often its reason comes."""

from notify import domain, mailer, tables
from notify.domain import Letter, Status
from notify.rendering import render
from shared import clock, observe
from shared.events import OrderFacts, PaymentFacts, UserFacts
from shared.observe import log


def welcome(user: UserFacts, event_id: str) -> None:
    """Greet a new user."""
    tell(domain.welcome(user), event_id)


def confirm_order(order: OrderFacts, event_id: str) -> None:
    """Confirm a paid order."""
    tell(domain.order_confirmation(order), event_id)


def report_decline(payment: PaymentFacts, event_id: str) -> None:
    """Say that a payment failed and how to try again."""
    tell(domain.payment_failed(payment, event_id), event_id)


def report_expiry(order: OrderFacts, event_id: str) -> None:
    """Say that an unpaid order was given up."""
    letter = domain.order_expired(order)
    if letter:
        tell(letter, event_id)


def tell(letter: Letter, event_id: str) -> None:
    """Send the letter unless it was sent; at least once if the process dies between sending and recording.

    Raises BeingSent while another sender holds it, and whatever passes by itself: the queue tries again.
    """
    claimed = tables.claim(letter, event_id, clock.now())
    if claimed is None:
        return
    if tables.is_told(letter.overtaken_by):
        _settle(claimed, Status.SUPPRESSED, reason="overtaken by later news of the order")
        return
    try:
        provider_id = mailer.send(letter.id, letter.to, render(letter))
    except mailer.Rejected as refusal:
        _settle(claimed, Status.FAILED, reason=str(refusal))
    except Exception:
        tables.release(claimed)  # it did not go out, so the next try need not wait for the lease
        raise
    else:
        _settle(claimed, Status.SENT, provider_id=provider_id)


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
