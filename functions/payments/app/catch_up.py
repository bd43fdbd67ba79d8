"""PaymentsCatchUp: the schedule that catches up on missed webhooks."""

from typing import Any

from payments.service import catch_up as service
from payments.tables import inbox
from shared import finish_init
from shared.runtime import clock, observability

inbox.prepare()


def catch_up(event: Any, context: Any) -> dict[str, int]:
    """Requeue events that were never applied, and store missing ones (every 5 minutes)."""
    observability.begin(str(event.get("id") or context.aws_request_id))
    try:
        now = clock.now()
        requeued = service.requeue(now)
        stored = service.catch_up(lambda: context.get_remaining_time_in_millis() / 1000, now)
        return {"stored": stored, "requeued": requeued}
    finally:
        observability.end()


finish_init()
