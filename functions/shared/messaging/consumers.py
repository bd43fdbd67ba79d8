"""SQS consumers: each message goes to the handler of its event type, and only failed messages return."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from shared.contracts.events.envelope import Event
from shared.runtime import observability
from shared.runtime.observability import log

E = TypeVar("E", bound=Event)


def handle_batch(event: Mapping[str, Any], handle: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
    """Pass each record of the batch to `handle`; return the records for which it raised (SQS's
    `batchItemFailures`)."""
    failures = []
    for record in event["Records"]:
        try:
            handle(record)
        except Exception:
            # One failing message must not block the others; SQS retries it, then moves it to the DLQ.
            log.exception("message failed", extra={"message_id": record["messageId"]})
            failures.append({"itemIdentifier": record["messageId"]})
    observability.end()
    return {"batchItemFailures": failures}


class Consumers:
    """The events that a service subscribes to, each with its handler.

    They are passed as a table, or `@consumers.on(OrderPaid)` registers the function below it.

    A handler may be called twice with one event, late, or out of order. It must write under a condition, or
    record the event's id in the transaction of its effect (`IdempotencyStore.record_event`). An exception
    returns the message to the queue; after five tries it moves to the dead-letter queue.
    """

    def __init__(self, table: Mapping[type[Event], Callable[[Any], None]] | None = None) -> None:
        self.handlers: dict[str, tuple[type[Event], Callable[[Any], None]]] = {}
        for event_class, function in (table or {}).items():
            self.on(event_class)(function)

    def on(self, *types: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
        def register(function: Callable[[E], None]) -> Callable[[E], None]:
            self.handlers.update({each.event_type(): (each, function) for each in types})
            return function

        return register

    def handle(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        """Handle a batch of the service's queue (raw delivery, ReportBatchItemFailures)."""
        return handle_batch(event, self.handle_record)

    def handle_record(self, record: Mapping[str, Any]) -> None:
        """Handle the message of one record."""
        self.handle_message(json.loads(record["body"]))

    def handle_message(self, message: Mapping[str, Any]) -> None:
        """Handle one message. Raises KeyError for an event type without a handler."""
        observability.begin(message.get("requestid") or message["id"])
        event_class, function = self.handlers[message["type"]]
        event = event_class.model_validate(message)
        function(event)
        log.info("event handled", extra={"event": event.id})
