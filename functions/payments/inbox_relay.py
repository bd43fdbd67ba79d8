"""The queueing of the Stripe events that the webhook stored."""

from collections.abc import Mapping
from typing import Any

from payments.domain.inbox import EventStatus
from payments.service import inbox_queue
from payments.tables import inbox


def forward(event: Mapping[str, Any], context: object) -> None:
    """Queue the inserted Stripe events. Raises NotQueued, so that the stream retries."""
    images = (
        record["dynamodb"].get("NewImage") for record in event["Records"] if record["eventName"] == "INSERT"
    )
    events = [inbox.event_of(image) for image in images if image]
    inbox_queue.send([each for each in events if each and each.status is EventStatus.RECEIVED])
