"""The list of the inbox for staff, and events that staff apply again."""

from typing import Any

from payments.domain.inbox import EventStatus, StripeEvent
from payments.service import inbox_queue
from payments.settings import settings
from payments.tables import inbox
from shared.dynamodb.pages import Found, Key
from shared.errors import NotFound
from shared.http.paging import Cursors, Listed
from shared.runtime.secrets import secret

cursors = Cursors(lambda: secret(settings().payments_cursor_secret_arn)["key"])


class NoSuchEvent(NotFound):
    """No event with this id is stored."""


def list_events(status: EventStatus | None, limit: int, cursor: str | None) -> Listed[StripeEvent]:
    """Return a page of the inbox, newest first per status; failed events come first.

    One Query per status, until the page is full.
    """
    list_of = f"webhooks {status or ''}"
    statuses = [status] if status else list(EventStatus)
    after: dict[str, Any] = cursors.read(cursor, list_of) or {"status": statuses[0], "key": None}
    events: list[StripeEvent] = []
    keys: list[Key] = []
    last: Key | None = None
    for current in statuses[statuses.index(after["status"]) :]:
        start = after["key"] if current == after["status"] else None
        page = inbox.page(current, limit - len(events), start)
        events += page.items
        keys += [{"status": current, "key": key} for key in page.keys]
        if page.last:
            last = {"status": current, "key": page.last}
            break
        if len(events) == limit and current != statuses[-1]:
            last = {"status": statuses[statuses.index(current) + 1], "key": None}
            break
    return cursors.listed(Found(events, keys, last), list_of)


def replay(event_id: str) -> None:
    """Queue an event to be applied again. Raises NoSuchEvent."""
    event = inbox.event(event_id)
    if event is None:
        raise NoSuchEvent("The event does not exist.")
    inbox.mark(event_id, EventStatus.RECEIVED)
    inbox_queue.send([event])
