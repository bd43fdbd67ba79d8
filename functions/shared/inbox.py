"""From a queue to the use cases: each message to the function for its type; only what failed comes again."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from shared import observe
from shared.events import Event, read_event
from shared.observe import log

E = TypeVar("E", bound=Event)


def each(event: Mapping[str, Any], take: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
    """Hand each record of a queue's batch to `take`; the answer names those for which it raised."""
    failures = []
    for record in event["Records"]:
        try:
            take(record)
        except Exception:
            # One bad message must not hold up the others; it is retried and in the end set aside.
            log.exception("message failed", extra={"message_id": record["messageId"]})
            failures.append({"itemIdentifier": record["messageId"]})
    observe.end()
    return {"batchItemFailures": failures}


class Consumers:
    """The events a service hears: `@consumers.on(OrderPaid)` above the function that acts on it.

    A function may be called twice with the same event, late, or out of order, and must not mind: it writes
    under a condition, or remembers the event's id in the transaction of its effect (`Once.remember`).
    What it raises brings the message back; after five tries it rests in the dead-letter queue.
    """

    def __init__(self) -> None:
        self.heard: dict[str, Callable[[Any], None]] = {}

    def on(self, *types: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
        def register(function: Callable[[E], None]) -> Callable[[E], None]:
            self.heard.update({kind.kind(): function for kind in types})
            return function

        return register

    def handle(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        """The Lambda handler of the service's queue (raw delivery, ReportBatchItemFailures)."""
        return each(event, lambda record: self._take(json.loads(record["body"])))

    def _take(self, message: Mapping[str, Any]) -> None:
        observe.begin(message.get("requestid") or message["id"])
        heard = read_event(message)
        self.heard[heard.type](heard)
        log.info("heard", extra={"event": heard.id})
