"""What Stripe's webhooks did not bring: its own list of events, read from where the last reading ended."""

from collections.abc import Callable
from datetime import datetime, timedelta

from payments import stripe_lists
from payments.domain import inbox as rules
from payments.domain.inbox import Walk
from payments.service import deliveries
from payments.service import inbox as door
from payments.stripe_gateway import StripeRefused
from payments.tables import inbox
from shared.errors import Malformed
from shared.runtime import observability
from shared.runtime.observability import log

ENOUGH = 10.0  # seconds that a page, and the queue after it, need at most
FORGOTTEN = timedelta(minutes=15)  # the queue's own tries are over by then, or it never had the event
MOST_FORGOTTEN = 100


def catch_up(time_left: Callable[[], float], now: datetime) -> int:
    """Keep every event of Stripe's that is not here; how many were new.

    Reads page by page while `time_left()` (seconds) allows, and goes on there the next time. An event may
    come by its webhook at the same moment: it is kept once, under the same condition. Raises
    StripeUnavailable: what was read until then is written.
    """
    walk, new = inbox.walk() or rules.first_walk(now), 0
    while True:
        page = _page(walk)
        new += _keep(page.items, now)
        newest, last = (page.items[0].created, page.items[-1].event_id) if page.items else (None, None)
        after = rules.walked(walk, newest, last, page.more)
        if not inbox.walk_on(after):
            break  # another is at it
        walk = inbox.walk() or after
        if walk.after is None or time_left() < ENOUGH:
            break
    if new:
        log.warning("events that no webhook brought", extra={"events": new})
        observability.count("WebhooksCaughtUp", new)
    return new


def send_again(now: datetime) -> int:
    """Queue what was kept a while ago and never tried (its way to the queue was lost); how many.

    Raises NotQueued.
    """
    forgotten = inbox.waiting(now - FORGOTTEN, MOST_FORGOTTEN)
    deliveries.send(forgotten)
    return len(forgotten)


def _page(walk: Walk) -> stripe_lists.Listed[stripe_lists.ListedEvent]:
    try:
        return stripe_lists.events(rules.listed_from(walk), walk.after)
    except StripeRefused as refusal:
        if walk.after is None or refusal.code != "resource_missing":
            raise
        # Where the last reading stopped is older than what Stripe remembers: read again what there is.
        return stripe_lists.events(rules.listed_from(walk), None)


def _keep(listed: list[stripe_lists.ListedEvent], now: datetime) -> int:
    """Keep those that are not here, the oldest first, so that they are applied about in order."""
    known = inbox.kept_of({each.event_id for each in listed}) if listed else set()
    return sum(_is_new(each, now) for each in reversed(listed) if each.event_id not in known)


def _is_new(listed: stripe_lists.ListedEvent, now: datetime) -> bool:
    try:
        return door.keep(listed.body, now)
    except Malformed:
        # Left out, for a person to look at: it must not hold up all that came after it.
        log.exception("an event that cannot be read", extra={"event_id": listed.event_id})
        observability.count("EventsUnreadable")
        return False
