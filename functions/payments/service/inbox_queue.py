"""The queue of stored Stripe events, and the list of the inbox for staff."""

import json
from collections.abc import Sequence
from typing import Any

from payments.domain.inbox import EventStatus, StripeEvent
from payments.settings import settings
from payments.tables import inbox
from shared.dynamodb.pages import Found, Key
from shared.errors import NotFound
from shared.http.paging import Cursors, Listed
from shared.runtime.aws import client
from shared.runtime.secrets import secret

BATCH = 10  # messages per call; the maximum of SendMessageBatch
cursors = Cursors(lambda: secret(settings().payments_cursor_secret_arn)["key"])


class NoSuchEvent(NotFound):
    """No event with this id is stored."""


class NotQueued(Exception):
    """SQS did not accept some events."""


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
    send([event])


def send(events: Sequence[StripeEvent]) -> None:
    """Send the events' ids to the queue that applies them. Raises NotQueued after the last batch if SQS
    did not accept some."""
    failed: list[str] = []
    for first in range(0, len(events), BATCH):
        batch = events[first : first + BATCH]
        entries = [
            {
                "Id": str(number),
                "MessageBody": json.dumps({"event_id": event.event_id, "request_id": event.request_id}),
            }
            for number, event in enumerate(batch)
        ]
        response = client("sqs").send_message_batch(
            QueueUrl=settings().payments_stripe_queue_url, Entries=entries
        )
        failed += [batch[int(entry["Id"])].event_id for entry in response.get("Failed", [])]
    if failed:
        raise NotQueued(", ".join(failed))
