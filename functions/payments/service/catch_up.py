"""Catching up on missed webhooks, by reading Stripe's list of events."""

from collections.abc import Callable
from datetime import datetime, timedelta

from payments import stripe_lists
from payments.domain import inbox as rules
from payments.domain.inbox import ListPosition
from payments.service import inbox as webhook
from payments.service import inbox_queue
from payments.stripe_gateway import StripeRefused
from payments.tables import inbox
from shared.errors import Malformed
from shared.runtime import observability
from shared.runtime.observability import log

MIN_SECONDS_LEFT = 10.0  # seconds; the longest that a page takes
REQUEUE_AFTER = timedelta(minutes=15)  # by then the queue gave up, or it never received the event
MAX_REQUEUED = 100  # events per run; the next run, five minutes later, queues the rest


def catch_up(time_left: Callable[[], float], now: datetime) -> int:
    """Store every event of Stripe's list that is missing; return how many were new.

    Reads page by page while `time_left()` (seconds) allows; the next run continues. An event that its webhook
    delivers at the same time is stored once, under the same condition. Raises StripeUnavailable, with the
    pages read until then stored.
    """
    position, new = inbox.list_position() or rules.first_position(now), 0
    while True:
        page = _page(position)
        new += _store_missing(page.items, now)
        newest, last = (page.items[0].created, page.items[-1].event_id) if page.items else (None, None)
        after = rules.advance(position, newest, last, page.more)
        if not inbox.save_position(after):
            break  # another run has advanced it
        position = inbox.list_position() or after
        if position.after is None or time_left() < MIN_SECONDS_LEFT:
            break
    if new:
        log.warning("missed webhooks caught up", extra={"events": new})
        observability.count("WebhooksCaughtUp", new)
    return new


def requeue(now: datetime) -> int:
    """Queue the events that were stored a while ago and never applied; return how many. Raises NotQueued."""
    events = inbox.not_applied(now - REQUEUE_AFTER, MAX_REQUEUED)
    inbox_queue.send(events)
    return len(events)


def _page(position: ListPosition) -> stripe_lists.Listed[stripe_lists.ListedEvent]:
    try:
        return stripe_lists.events(rules.list_since(position), position.after)
    except StripeRefused as refusal:
        if position.after is None or refusal.code != "resource_missing":
            raise
        # Stripe no longer has the event at which the last reading stopped: read its list from the start.
        return stripe_lists.events(rules.list_since(position), None)


def _store_missing(listed: list[stripe_lists.ListedEvent], now: datetime) -> int:
    """Store the missing events, oldest first, so that they are applied roughly in order."""
    known = inbox.stored_ids({each.event_id for each in listed}) if listed else set()
    return sum(_store(each, now) for each in reversed(listed) if each.event_id not in known)


def _store(listed: stripe_lists.ListedEvent, now: datetime) -> bool:
    try:
        return webhook.store(listed.body, now)
    except Malformed:
        # Left to staff, because it must not block later events.
        log.exception("event unreadable", extra={"event_id": listed.event_id})
        observability.count("EventsUnreadable")
        return False
