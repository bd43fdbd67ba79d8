"""The feedback queue: SES's events about emails that it accepted."""

import json
from collections.abc import Mapping
from typing import Any

from notify.domain.feedback import Feedback
from notify.service import feedback
from shared.messaging import consumers
from shared.runtime import observability
from shared.runtime.observability import log


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Handle a batch (raw delivery, ReportBatchItemFailures); each message is the JSON of one SES event."""
    return consumers.handle_batch(event, _handle_record)


def _handle_record(record: Mapping[str, Any]) -> None:
    body = _object(record["body"])
    if body is None:  # SES sends a plain sentence to validate a new topic
        log.info("message ignored", extra={"message_id": record["messageId"]})
        return
    received = Feedback.model_validate(body)
    observability.begin(received.notification_id or record["messageId"])
    feedback.apply(received)


def _object(body: str) -> dict[str, Any] | None:
    """Return the JSON object in the body, or None for anything else."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
