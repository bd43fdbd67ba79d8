"""The queue of stored Stripe events, which are applied one by one."""

import json
from collections.abc import Mapping
from typing import Any

from payments import batches
from payments.service import stripe_events
from payments.settings import settings
from shared.runtime import clock, observability


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Apply a batch (ReportBatchItemFailures); a message is `{"event_id", "request_id"}`."""
    return batches.handle_batch(event, settings().payments_stripe_queue_url, _handle_record)


def _handle_record(record: Mapping[str, Any]) -> None:
    message = json.loads(record["body"])
    observability.begin(message.get("request_id") or message["event_id"])
    stripe_events.apply(message["event_id"], clock.now())
