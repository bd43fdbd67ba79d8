"""The Stripe inbox: stored events, their states, and the position in Stripe's list of events."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Event types that can change a payment. `charge.succeeded`, `charge.failed` and `charge.updated` are left
# out because the PaymentIntent's events report the same. https://docs.stripe.com/api/events/types
HANDLED = (
    "payment_intent.",
    "charge.captured",
    "charge.expired",
    "charge.refund",
    "charge.dispute.",
    "refund.",
    "review.",
    "checkout.session.",
)
# Stripe lists an event some time after its `created`, and not in strict order.
OVERLAP = timedelta(minutes=10)
# How far back the first reading goes.
FIRST_READING = timedelta(days=1)


class EventStatus(StrEnum):
    """The states of a Stripe event, in the order in which staff see them."""

    FAILED = "failed"
    RECEIVED = "received"
    APPLIED = "applied"
    IGNORED = "ignored"


@dataclass(frozen=True)
class StripeEvent:
    """A stored event: `intent_id` is its object's PaymentIntent, `created` is in epoch seconds.

    `payment_id` comes from the object's metadata and is used while there is no PaymentIntent (a Checkout
    Session that nobody has paid).
    """

    event_id: str
    type: str
    created: int
    object_id: str
    intent_id: str | None
    status: EventStatus
    received_at: datetime
    attempts: int = 0
    reason: str | None = None
    request_id: str | None = None
    payment_id: str | None = None


@dataclass(frozen=True)
class ListPosition:
    """How far Stripe's list of events, newest first, was read; times in epoch seconds.

    All events up to `since` are stored. An unfinished reading continues with events older than the event
    `after`; `newest` is the time of its first event, where the next reading begins.
    """

    since: int
    newest: int | None = None
    after: str | None = None
    version: int = 0


def is_handled(event_type: str) -> bool:
    """Return whether an event of this type can change a payment; others are stored and ignored."""
    return event_type.startswith(HANDLED)


def first_position(now: datetime) -> ListPosition:
    """Return where the first reading begins."""
    return ListPosition(since=int((now - FIRST_READING).timestamp()))


def list_since(position: ListPosition) -> int:
    """Return the time (epoch seconds) from which events are requested."""
    return position.since - int(OVERLAP.total_seconds())


def advance(position: ListPosition, newest: int | None, last: str | None, more: bool) -> ListPosition:
    """Return the position after a page whose first event was created at `newest` and whose last is `last`."""
    newest = position.newest if position.newest is not None else newest
    if more and last:
        return ListPosition(position.since, newest, last, position.version)
    return ListPosition(max(position.since, newest or 0), version=position.version)
