"""PaymentsSweeper: on a schedule, work that was left and holds that run out."""

from typing import Any

from payments.service import tending
from payments.tables import rows
from shared import finish_init
from shared.runtime import clock, observability

rows.prepare()


def sweep(event: Any, context: Any) -> dict[str, int]:
    """Every 5 minutes: tend to the payments that are due."""
    observability.begin(str(event.get("id") or context.aws_request_id))
    try:
        tended = tending.sweep(lambda: context.get_remaining_time_in_millis() / 1000, clock.now())
        return {"tended": tended}
    finally:
        observability.end()


finish_init()
