"""PaymentsSweeper: the schedule that follows up payments."""

from typing import Any

from payments.service import sweeper
from payments.tables import rows
from shared import finish_init
from shared.runtime import clock, observability

rows.prepare()


def sweep(event: Any, context: Any) -> dict[str, int]:
    """Follow up the payments that are due (every 5 minutes)."""
    observability.begin(str(event.get("id") or context.aws_request_id))
    try:
        count = sweeper.sweep(lambda: context.get_remaining_time_in_millis() / 1000, clock.now())
        return {"followed_up": count}
    finally:
        observability.end()


finish_init()
