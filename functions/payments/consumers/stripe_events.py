"""The queue of stored Stripe events: each is applied on its own, and only what failed comes again."""

import json
from collections.abc import Mapping
from typing import Any

from payments.service import applying
from shared.messaging import consumers
from shared.runtime import clock, observability


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """The Lambda handler (ReportBatchItemFailures); a message is `{"event_id", "request_id"}`."""
    return consumers.each(event, _take)


def _take(record: Mapping[str, Any]) -> None:
    message = json.loads(record["body"])
    observability.begin(message.get("request_id") or message["event_id"])
    applying.apply(message["event_id"], clock.now())
