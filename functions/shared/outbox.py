"""From a table's stream to the service's topic: what was written is said, at least once, with the same id."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from shared.aws import client
from shared.events import Event
from shared.observe import log

Image = Mapping[str, Any]
News = Callable[[Image | None, Image | None], Iterable[Event]]
BATCH = 10  # the most that SNS takes in one PublishBatch


class NotPublished(Exception):
    """Some events did not go out; the stream will hand over the same records again."""


def relay(topic_arn: str, news: News) -> Callable[[Mapping[str, Any], object], None]:
    """A stream handler that publishes what `news(old image, new image)` makes of each change.

    A failure is raised after all that could go out did: the whole batch comes again, and ids are derived, so
    a repeat says nothing new. (Answering `batchItemFailures` would lose records on engines that ignore it for
    streams.)
    """

    def handle(event: Mapping[str, Any], context: object) -> None:
        said: dict[str, Event] = {}
        for record in event["Records"]:
            change = record["dynamodb"]
            for item in news(change.get("OldImage"), change.get("NewImage")):
                said[item.id] = item
        failed = [item for batch in _batches(said.values()) for item in publish(topic_arn, batch)]
        if failed:
            raise NotPublished(", ".join(failed))

    return handle


def publish(topic_arn: str, events: list[Event]) -> list[str]:
    """Publish up to BATCH events; the ids of those that SNS did not take."""
    entries = [
        {
            "Id": str(position),
            "Message": event.model_dump_json(exclude_none=True),
            "MessageAttributes": {"type": {"DataType": "String", "StringValue": event.type}},
        }
        for position, event in enumerate(events)
    ]
    answer = client("sns").publish_batch(TopicArn=topic_arn, PublishBatchRequestEntries=entries)
    log.info("published", extra={"events": [event.id for event in events]})
    return [events[int(entry["Id"])].id for entry in answer.get("Failed", [])]


def _batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Runs of at most BATCH events that together stay under SNS's 256 KiB."""
    batch: list[Event] = []
    size = 0
    for event in events:
        length = len(event.model_dump_json(exclude_none=True).encode()) + 200
        if batch and (len(batch) == BATCH or size + length > 256 * 1024):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch
