"""The queue of what SES says of mails that it took."""

import json
from collections.abc import Mapping
from typing import Any

from notify.domain.feedback import Feedback
from notify.service import feedback
from shared.messaging import consumers
from shared.runtime import observability
from shared.runtime.observability import log


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """The Lambda handler (raw delivery, ReportBatchItemFailures); a message is SES's JSON of one event."""
    return consumers.handle_batch(event, _take)


def _take(record: Mapping[str, Any]) -> None:
    body = _object(record["body"])
    if body is None:  # SES announces itself to a new topic in a sentence
        log.info("no feedback", extra={"message_id": record["messageId"]})
        return
    said = Feedback.model_validate(body)
    observability.begin(said.notification_id or record["messageId"])
    feedback.hear(said)


def _object(body: str) -> dict[str, Any] | None:
    """The JSON object that a message is; None for anything else."""
    try:
        read = json.loads(body)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None
