"""What stands on an order's timeline, who hears of it, and how much of it there is room for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MAX_DECLINES = 50  # so many failed payments are noted: the row must have room for the one that succeeds
MAX_NOTES = 100  # and so much else of what payments and notify say


class TimelineEvent(StrEnum):
    """What stands on a timeline."""

    PLACED = "order.placed"
    REJECTED = "order.rejected"
    PAID = "order.paid"
    INVOICED = "order.invoiced"
    CANCELLED = "order.cancelled"
    EXPIRED = "order.expired"
    SHIPPED = "order.shipped"
    DELIVERED = "order.delivered"
    REFUNDED = "order.refunded"
    RETURN_REQUESTED = "return.requested"
    RETURN_APPROVED = "return.approved"
    RETURN_REJECTED = "return.rejected"
    RETURN_RECEIVED = "return.received"
    REFUND_DUE = "refund.due"
    REFUND_MADE = "refund.made"
    REFUND_FAILED = "refund.failed"
    PAYMENT_FAILED = "payment.failed"
    RENEWED = "payment.renewed"
    CAPTURED = "payment.captured"
    EXPIRING = "payment.expiring"
    VOIDED = "payment.voided"
    CAPTURE_FAILED = "payment.capture_failed"
    DISPUTED = "payment.disputed"
    REVIEWED = "payment.reviewed"
    BOUNCED = "notification.bounced"


TimelineEvent = TimelineEvent
# What others hear of; the rest is the order's own affair.
PUBLISHED = frozenset(
    {
        TimelineEvent.PLACED,
        TimelineEvent.PAID,
        TimelineEvent.INVOICED,
        TimelineEvent.REJECTED,
        TimelineEvent.CANCELLED,
        TimelineEvent.EXPIRED,
        TimelineEvent.SHIPPED,
        TimelineEvent.DELIVERED,
        TimelineEvent.RETURN_APPROVED,
        TimelineEvent.RETURN_REJECTED,
        TimelineEvent.RETURN_RECEIVED,
        TimelineEvent.REFUND_DUE,
    }
)
# What others decide the number of: each is left out where there is no room, and nothing is decided by it.
NOTES = frozenset(
    {
        TimelineEvent.REFUND_MADE,
        TimelineEvent.REFUND_FAILED,
        TimelineEvent.CAPTURED,
        TimelineEvent.EXPIRING,
        TimelineEvent.VOIDED,
        TimelineEvent.CAPTURE_FAILED,
        TimelineEvent.DISPUTED,
        TimelineEvent.REVIEWED,
        TimelineEvent.BOUNCED,
    }
)
# What is not for the eyes of who placed the order: whether it is looked at for fraud.
STAFF_ONLY = frozenset({TimelineEvent.REVIEWED})


@dataclass(frozen=True)
class Entry:
    """One line of an order's timeline. `actor`: a user's id, `system`, or `stripe`; `ref`: what it is about
    (a fulfilment, a return, a refund, a request, an event), for ourselves."""

    at: datetime
    type: TimelineEvent
    actor: str
    detail: str = ""
    ref: str = ""


def has_room(timeline: Sequence[Entry], entry: Entry) -> bool:
    """Whether the entry is to be noted: it is not there yet under its `ref`, and there are not too many."""
    alike = {TimelineEvent.PAYMENT_FAILED} if entry.type is TimelineEvent.PAYMENT_FAILED else NOTES
    noted = [known for known in timeline if known.type in alike]
    if entry.ref and any((known.type, known.ref) == (entry.type, entry.ref) for known in noted):
        return False
    return len(noted) < (MAX_DECLINES if entry.type is TimelineEvent.PAYMENT_FAILED else MAX_NOTES)
