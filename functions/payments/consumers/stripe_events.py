"""The queue of stored Stripe events: each is applied on its own, and only what failed comes again."""

import json
from collections.abc import Mapping
from typing import Any

from payments.service import applying
from shared import clock, observe
from shared.observe import log


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """The Lambda handler (ReportBatchItemFailures); a message is `{"event_id", "request_id"}`."""
    failures = []
    for record in event["Records"]:
        try:
            message = json.loads(record["body"])
            observe.begin(message.get("request_id") or message["event_id"])
            applying.apply(message["event_id"], clock.now())
        except Exception:
            # One bad event must not hold up the others; it is retried and in the end set aside.
            log.exception("event not applied", extra={"message_id": record["messageId"]})
            failures.append({"itemIdentifier": record["messageId"]})
    observe.end()
    return {"batchItemFailures": failures}
