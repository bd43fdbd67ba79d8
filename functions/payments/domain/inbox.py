"""The Stripe inbox: stored events, their states, and the position in Stripe's list of events."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# The event types that change a payment, with what they report (https://docs.stripe.com/api/events/types). The
# webhook endpoint subscribes to exactly these. Other types repeat one of them: `charge.succeeded`,
# `charge.failed` and a completed Checkout Session the PaymentIntent's events, `charge.refunded` and
# `charge.refund.updated` those of the refund. Stripe's list of events filters by at most 20 types.
HANDLED = {
    "payment_intent.succeeded": "the money is captured",
    "payment_intent.payment_failed": "a declined attempt",
    "payment_intent.processing": "a payment method that takes days",
    "payment_intent.amount_capturable_updated": "an authorized or partly captured amount",
    "payment_intent.canceled": "the end without a payment",
    "charge.captured": "a captured amount",
    "charge.expired": "an authorization that was not captured in time",
    "charge.dispute.created": "a dispute",
    "charge.dispute.updated": "its status or evidence",
    "charge.dispute.closed": "its outcome",
    "charge.dispute.funds_withdrawn": "the amount that the bank withholds",
    "charge.dispute.funds_reinstated": "the amount that the bank returned",
    "refund.created": "a refund, also one that was created in Stripe",
    "refund.updated": "its status",
    "refund.failed": "a refund that failed, at once or days later",
    "review.opened": "a review by Stripe Radar",
    "review.closed": "its outcome",
    "checkout.session.expired": "the end of a session that nobody paid",
}
# Stripe lists an event some time after its `created`, and not in strict order.
OVERLAP = timedelta(minutes=10)
# How far back the first reading goes.
FIRST_READING = timedelta(days=1)


# The reason of a received event that waits in the queue for Stripe's rate limit.
RATE_LIMITED = "rate_limited"


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
