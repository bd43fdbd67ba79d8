"""Stripe's events as they are kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# What can change a payment. `charge.succeeded`, `charge.failed` and `charge.updated` are not here: the
# intent's own events say the same. https://docs.stripe.com/api/events/types
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
# Stripe lists an event a little after the time that it says it was made at, and not in strict order.
OVERLAP = timedelta(minutes=10)
# How far back the first look goes: what was said before the shop knew where to listen.
FIRST_LOOK = timedelta(days=1)


class EventStatus(StrEnum):
    """What became of a Stripe event; in the order in which people want to see them."""

    FAILED = "failed"
    RECEIVED = "received"
    APPLIED = "applied"
    IGNORED = "ignored"


@dataclass(frozen=True)
class StripeEvent:
    """What is kept of an event: `intent_id` is the PaymentIntent it is about, `created` in epoch seconds.

    `payment_id` is what the object's metadata says: the hint where there is no PaymentIntent yet (a Checkout
    Session before anybody pays).
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
class Walk:
    """How far Stripe's list of events was read, which it gives newest first; times in epoch seconds.

    All up to `since` are here. A walk that goes on reads what is older than the event `after`; `newest` is
    the time of the first event it met, where the next walk begins.
    """

    since: int
    newest: int | None = None
    after: str | None = None
    version: int = 0


def is_handled(event_type: str) -> bool:
    """Whether a Stripe event of this type can change a payment; the others are kept and left alone."""
    return event_type.startswith(HANDLED)


def first_walk(now: datetime) -> Walk:
    """Where to begin when nothing was ever read."""
    return Walk(since=int((now - FIRST_LOOK).timestamp()))


def listed_from(walk: Walk) -> int:
    """The time (epoch seconds) from which on events are asked for."""
    return walk.since - int(OVERLAP.total_seconds())


def walked(walk: Walk, newest: int | None, last: str | None, more: bool) -> Walk:
    """The walk after a page whose first event was made at `newest` and whose last one is `last`."""
    newest = walk.newest if walk.newest is not None else newest
    if more and last:
        return Walk(walk.since, newest, last, walk.version)
    return Walk(max(walk.since, newest or 0), version=walk.version)
