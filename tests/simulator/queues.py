"""Readers of DynamoDB streams and SQS queues that deliver to functions in a random order."""

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

DELAY_PROBABILITY, REPEAT_PROBABILITY, LAG_PROBABILITY = 0.25, 0.15, 0.25
MAX_DELAYS = 3  # of one message, so that the simulator becomes idle


@dataclass(eq=False)
class Message:
    """A message in a queue. `tries` counts its deliveries; it is hidden until `visible_at`."""

    body: str
    visible_at: datetime
    tries: int = 0
    delays: int = 0


class StreamReader:
    """Delivers the changes of a table to one function; a failed batch is delivered again."""

    def __init__(self, source: StreamSource) -> None:
        self.source = source
        self.shard: Any = dynamodb_backends[ACCOUNT][REGION].tables[source.table].stream_shard
        self.position = self.tries = 0

    def seek(self, position: int) -> None:
        self.position, self.tries = position, 0

    @property
    def has_more(self) -> bool:
        return len(self.shard.items) > self.position

    def deliver(self, run: Callable[[Any], Any], chance: Random | None) -> None:
        """Deliver the next batch, sometimes twice; keep the position if it fails."""
        limit = self.source.batch if chance is None else chance.choice((1, 2, 5, self.source.batch))
        # moto's list, because GetRecords takes as long as the relay itself.
        page = [_as_lambda_json(record.to_json()) for record in self.shard.items[self.position :][:limit]]
        wanted = [record for record in page if _is_change(record) and self.source.wants(record)]
        times = 2 if chance is not None and chance.random() < REPEAT_PROBABILITY else 1
        for _ in range(times if wanted else 0):
            run({"Records": wanted})
        self.seek(self.position + len(page))


class QueueReader:
    """Delivers the messages of a queue to one function, at least once and in any order."""

    def __init__(self, source: QueueSource) -> None:
        self.source = source
        self.queue = sqs_backends[ACCOUNT][REGION].queues[source.queue]
        self.waiting: list[Message] = []

    def receive(self, now: datetime) -> None:
        """Move the messages out of moto's queue, because that uses the machine's clock."""
        self.waiting += [Message(message.body, now + _delay(message)) for message in self.queue._messages]
        self.queue._messages.clear()

    def visible(self, now: datetime) -> list[Message]:
        return [message for message in self.waiting if message.visible_at <= now]

    def deliver(
        self, run: Callable[[list[str]], Sequence[int]], now: datetime, chance: Random | None
    ) -> list[Message]:
        """Deliver each visible message once; return those that have no tries left.

        `run` returns the positions in its batch that failed.
        """
        batch_size = self.source.batch if chance is None else chance.choice((1, 3, self.source.batch))
        due = _choose_due(self.visible(now), chance)
        for first in range(0, len(due), batch_size):
            batch = due[first : first + batch_size]
            for message in batch:
                message.tries += 1
                message.visible_at = now + timedelta(seconds=self.source.visibility)
            failed = set(run([message.body for message in batch]))
            for position, message in enumerate(batch):
                if position not in failed:
                    self.waiting.remove(message)
                    if chance is not None and chance.random() < REPEAT_PROBABILITY:
                        self.waiting.append(Message(message.body, now, delays=MAX_DELAYS - 1))
        dead_letters = [message for message in self.waiting if message.tries >= self.source.tries]
        self.waiting = [message for message in self.waiting if message not in dead_letters]
        return dead_letters


def _delay(message: Any) -> timedelta:
    """Return the message's DelaySeconds."""
    milliseconds = message.delayed_until - message.sent_timestamp if message.delayed_until else 0
    return timedelta(seconds=round(milliseconds / 1000))


def _choose_due(waiting: list[Message], chance: Random | None) -> list[Message]:
    """Return the messages to deliver now, in their order of delivery."""
    if chance is None:
        return waiting
    now = []
    for message in waiting:
        if message.delays < MAX_DELAYS and chance.random() < DELAY_PROBABILITY:
            message.delays += 1
        else:
            now.append(message)
    chance.shuffle(now)
    return now


def _is_change(record: Any) -> bool:
    """Return False for a write that changed nothing: moto records it, DynamoDB does not."""
    change = record["dynamodb"]
    return bool(record["eventName"] != "MODIFY" or change.get("OldImage") != change.get("NewImage"))


def _as_lambda_json(record: Any) -> Any:
    return json.loads(json.dumps(record, default=str))
