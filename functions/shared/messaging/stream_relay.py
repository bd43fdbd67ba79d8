"""The relay from a table's stream to the service's topic: at least once, always with the same event ids."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from shared.contracts.events.envelope import Event
from shared.runtime.aws import client
from shared.runtime.observability import log

Image = Mapping[str, Any]
DeriveEvents = Callable[[Image | None, Image | None], Iterable[Event]]
BATCH = 10  # events per call; the maximum of SNS PublishBatch
MAX_BATCH_BYTES = 256 * 1024  # bytes per call; SNS's limit


class PublishError(Exception):
    """SNS did not accept some events; the stream will deliver the same records again."""


def relay(topic_arn: str, derive_events: DeriveEvents) -> Callable[[Mapping[str, Any], object], None]:
    """Return a stream handler that publishes the events which `derive_events(old image, new image)` yields.

    It publishes as many events as possible and then raises if any failed, so the whole batch returns. Event
    ids are derived, so a repetition publishes the same events. (Local engines ignore `batchItemFailures` of
    streams and would lose records.)
    """

    def handle(event: Mapping[str, Any], context: object) -> None:
        events: dict[str, Event] = {}
        for record in event["Records"]:
            change = record["dynamodb"]
            for derived in derive_events(change.get("OldImage"), change.get("NewImage")):
                events[derived.id] = derived
        failed = [event_id for batch in _batches(events.values()) for event_id in publish(topic_arn, batch)]
        if failed:
            raise PublishError(", ".join(failed))

    client("sns")  # built during init instead of in the first batch
    return handle


def publish(topic_arn: str, events: list[Event]) -> list[str]:
    """Publish up to BATCH events; return the ids of those that SNS did not accept."""
    entries = [
        {
            "Id": str(position),
            "Message": event.model_dump_json(exclude_none=True),
            "MessageAttributes": {"type": {"DataType": "String", "StringValue": event.type}},
        }
        for position, event in enumerate(events)
    ]
    response = client("sns").publish_batch(TopicArn=topic_arn, PublishBatchRequestEntries=entries)
    requests = sorted({event.requestid for event in events if event.requestid})
    log.info("events published", extra={"events": [event.id for event in events], "request_ids": requests})
    return [events[int(entry["Id"])].id for entry in response.get("Failed", [])]


def _batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Split events into batches of at most BATCH events and MAX_BATCH_BYTES."""
    batch: list[Event] = []
    size = 0
    for event in events:
        length = len(event.model_dump_json(exclude_none=True).encode()) + 200
        if batch and (len(batch) == BATCH or size + length > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch
