"""The timeline of an order: its entries, which of them are published as events, and how many there may be."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

# entries about declined payments; others cause them, and they must not fill the order's row
MAX_DECLINES = 50
# entries from other services; they must not fill the order's row, so those beyond the limit are dropped
MAX_NOTES = 100


class TimelineEvent(StrEnum):
    """The type of a timeline entry."""

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


# The entries that the relay publishes.
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
# Entries caused by other services. They are dropped beyond MAX_NOTES, so no rule may depend on them.
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
# A fraud review must stay hidden from the person who placed the order.
STAFF_ONLY = frozenset({TimelineEvent.REVIEWED})


class Entry(NamedTuple):
    """An entry of an order's timeline.

    `actor` is a user id, `system` or `stripe`. `detail` is a technical text of amounts, ids and codes. `ref`
    identifies the subject (a fulfilment, return, refund, request or event) and is not shown.
    """

    at: datetime
    type: TimelineEvent
    actor: str
    detail: str = ""
    ref: str = ""


def has_room(timeline: Sequence[Entry], entry: Entry) -> bool:
    """Return whether the note or decline may be added: its `ref` is new and the limit is not reached."""
    is_decline = entry.type is TimelineEvent.PAYMENT_FAILED
    kinds = {TimelineEvent.PAYMENT_FAILED} if is_decline else NOTES
    known = [each for each in timeline if each.type in kinds]
    if entry.ref and any((each.type, each.ref) == (entry.type, entry.ref) for each in known):
        return False
    return len(known) < (MAX_DECLINES if is_decline else MAX_NOTES)
