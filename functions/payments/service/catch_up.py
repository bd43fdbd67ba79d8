"""Catching up on missed webhooks, by reading Stripe's list of events."""

from collections.abc import Callable
from datetime import datetime, timedelta

from payments import stripe_lists
from payments.domain import inbox as rules
from payments.domain.inbox import HANDLED, ListPosition, StripeEvent
from payments.service import inbox as webhook
from payments.service import inbox_queue
from payments.stripe_gateway import StripeRefused, StripeUnavailable
from payments.tables import inbox
from shared.errors import Malformed
from shared.runtime import observability
from shared.runtime.observability import log

MIN_SECONDS_LEFT = 10.0  # seconds; the longest that a page takes
# A queued event is applied within a second. Each reading of the list begins 10 minutes earlier, so it finds
# every event at least once after this time.
LATE_AFTER = timedelta(minutes=4)
MAX_REQUEUED = 100  # events per run; the next run, five minutes later, queues the rest


def catch_up(time_left: Callable[[], float], now: datetime) -> int:
    """Store and queue every event of Stripe's list that is missing; return how many were new. Stored events
    that are late enter the index, from which `requeue` queues them.

    Reads page by page while `time_left()` (seconds) allows; the next run continues. An event that its webhook
    delivers at the same time is stored once, under the same condition. Raises StripeUnavailable, with the
    pages read until then stored, or Unavailable if an event is not queued.
    """
    position, new = inbox.list_position() or rules.first_position(now), 0
    while True:
        try:
            page = _page(position)
        except StripeUnavailable as error:
            if not error.rate_limited:
                raise
            log.warning("catch-up interrupted", extra={"reason": rules.RATE_LIMITED})
            break  # the next run, five minutes later, continues
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
    """Queue the late events again; return how many. Raises Unavailable."""
    events = inbox.late(now - LATE_AFTER, MAX_REQUEUED)
    inbox_queue.send(events)
    return len(events)


def _page(position: ListPosition) -> stripe_lists.Listed[stripe_lists.ListedEvent]:
    try:
        return stripe_lists.events(HANDLED, rules.list_since(position), position.after)
    except StripeRefused as refusal:
        if position.after is None or refusal.code != "resource_missing":
            raise
        # Stripe no longer has the event at which the last reading stopped: read its list from the start.
        return stripe_lists.events(HANDLED, rules.list_since(position), None)


def _store_missing(listed: list[stripe_lists.ListedEvent], now: datetime) -> int:
    """Store and queue the missing events, oldest first, so that they are applied roughly in order."""
    known = inbox.stored({each.event_id for each in listed})
    for event_id, received_at in known.items():
        if received_at and received_at < now - LATE_AFTER:
            inbox.mark_late(event_id)
    read = [_read(each, now) for each in reversed(listed) if each.event_id not in known]
    # Stored as late, because the run may end before they are queued.
    new = [event for event in read if event and inbox.store(event, late=True)]
    inbox_queue.send(new)
    return len(new)


def _read(listed: stripe_lists.ListedEvent, now: datetime) -> StripeEvent | None:
    try:
        return webhook.read_event(listed.body, now)
    except Malformed:
        # Left to staff, because it must not block later events.
        log.exception("event unreadable", extra={"event_id": listed.event_id})
        observability.count("EventsUnreadable")
        return None
