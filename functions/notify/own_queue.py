"""The service's own queue: stored messages of staff, and confirmations that wait for their invoice."""

import json
from typing import Any

from notify.settings import settings
from shared.contracts.events.envelope import Event
from shared.runtime import observability
from shared.runtime.aws import client

SEND = "send_notification"
CONFIRM = "send_confirmation"


def send(notification_id: str) -> None:
    """Queue a stored notification. Queued twice, it is still sent once."""
    _send({"id": notification_id, "command": SEND})


def postpone(event: Event, seconds: int) -> None:
    """Queue the event so that it arrives as CONFIRM after so many seconds (at most 900)."""
    _send(postponed(event), seconds)


def postponed(event: Event) -> dict[str, Any]:
    """Return the message that `postpone` queues."""
    return {"id": event.id, "command": CONFIRM, "event": event.model_dump(mode="json", exclude_none=True)}


def _send(message: dict[str, Any], delay: int = 0) -> None:
    body = json.dumps(message | {"requestid": observability.request_id()})
    client("sqs").send_message(QueueUrl=settings().notify_queue_url, MessageBody=body, DelaySeconds=delay)
