"""What moves by itself between services, streams and queues, in an order that somebody draws."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from tests.simulator.wiring import QueueSource, StreamSource
from tests.support import ACCOUNT, REGION

HOLD_BACK, TWICE, LAG = 0.25, 0.15, 0.25  # how often a message waits, comes twice; how often a stream waits
PATIENCE = 3  # how often one message is held back at most, so that all becomes quiet


@dataclass(eq=False)
class Message:
    """A message in its queue. `tries`: how often it was handed out; hidden until `visible_at`."""

    body: str
    visible_at: datetime
    tries: int = 0
    held_back: int = 0


class EventQueue:
    """A stream: changes of a table on their way to one function; what fails comes again as it was."""

    def __init__(self, source: StreamSource) -> None:
        self.source = source
        self.shard: Any = dynamodb_backends[ACCOUNT][REGION].tables[source.table].stream_shard
        self.read = self.tries = 0

    def go_to(self, place: int) -> None:
        self.read, self.tries = place, 0

    @property
    def has_more(self) -> bool:
        return len(self.shard.items) > self.read

    def move(self, run: Callable[[Any], Any], chance: Random | None) -> None:
        """Hand over the next batch, now and then twice; stay where it fails."""
        limit = self.source.batch if chance is None else chance.choice((1, 2, 5, self.source.batch))
        # moto's own list: GetRecords gives the same, but costs as much as all that the relay does.
        page = [_on_lambdas_wire(record.to_json()) for record in self.shard.items[self.read :][:limit]]
        wanted = [record for record in page if _is_change(record) and self.source.wants(record)]
        times = 2 if chance is not None and chance.random() < TWICE else 1
        for _ in range(times if wanted else 0):
            run({"Records": wanted})
        self.go_to(self.read + len(page))


class FunctionQueue:
    """A queue in front of one function: at least once, in any order, five tries, then set aside."""

    def __init__(self, source: QueueSource) -> None:
        self.source = source
        self.arrived = sqs_backends[ACCOUNT][REGION].queues[source.queue]
        self.waiting: list[Message] = []

    def collect(self, now: datetime) -> None:
        """Take what arrived out of moto's queue, whose clock is the machine's."""
        self.waiting += [Message(message.body, now) for message in self.arrived._messages]
        self.arrived._messages.clear()

    def visible(self, now: datetime) -> list[Message]:
        return [message for message in self.waiting if message.visible_at <= now]

    def move(
        self, run: Callable[[list[str]], Sequence[int]], now: datetime, chance: Random | None
    ) -> list[Message]:
        """Deliver once what is visible; `run` tells which of a batch failed. The messages now set aside."""
        batch_size = self.source.batch if chance is None else chance.choice((1, 3, self.source.batch))
        due = drawn(self.visible(now), chance)
        for first in range(0, len(due), batch_size):
            batch = due[first : first + batch_size]
            for message in batch:
                message.tries += 1
                message.visible_at = now + timedelta(seconds=self.source.visibility)
            failed = set(run([message.body for message in batch]))
            for position, message in enumerate(batch):
                if position not in failed:
                    self.waiting.remove(message)
                    if chance is not None and chance.random() < TWICE:
                        self.waiting.append(Message(message.body, now, held_back=PATIENCE - 1))
        dead = [message for message in self.waiting if message.tries >= self.source.tries]
        self.waiting = [message for message in self.waiting if message not in dead]
        return dead


def drawn(waiting: list[Message], chance: Random | None) -> list[Message]:
    """What comes now, in the order in which it comes."""
    if chance is None:
        return waiting
    now = []
    for message in waiting:
        if message.held_back < PATIENCE and chance.random() < HOLD_BACK:
            message.held_back += 1
        else:
            now.append(message)
    chance.shuffle(now)
    return now


def _is_change(record: Any) -> bool:
    """moto records a write that changed nothing too; DynamoDB does not."""
    change = record["dynamodb"]
    return bool(record["eventName"] != "MODIFY" or change.get("OldImage") != change.get("NewImage"))


def _on_lambdas_wire(record: Any) -> Any:
    return json.loads(json.dumps(record, default=str))
