"""The queue of stored Stripe events, which are applied one by one."""

import json
from collections.abc import Mapping
from typing import Any

from payments.service import stripe_events
from shared.messaging import consumers
from shared.runtime import clock, observability


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Apply a batch (ReportBatchItemFailures); a message is `{"event_id", "request_id"}`."""
    return consumers.handle_batch(event, _handle_record)


def _handle_record(record: Mapping[str, Any]) -> None:
    message = json.loads(record["body"])
    observability.begin(message.get("request_id") or message["event_id"])
    stripe_events.apply(message["event_id"], clock.now())
