"""The queue of stored Stripe events."""

import json
from collections.abc import Sequence

from payments.domain.inbox import StripeEvent
from payments.settings import settings
from shared.errors import Unavailable
from shared.runtime.aws import client
from shared.runtime.observability import log

BATCH = 10  # messages per call; the maximum of SendMessageBatch


def prepare() -> None:
    """Create the client during init instead of in the first request."""
    client("sqs")


def send(events: Sequence[StripeEvent]) -> None:
    """Send the events' ids to the queue that applies them. Raises Unavailable after the last batch if SQS did
    not accept some."""
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
        log.error("events not queued", extra={"event_ids": failed})
        raise Unavailable("The event could not be queued; send it again.")
