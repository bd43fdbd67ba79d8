"""PaymentsCatchUp: on a schedule, what Stripe's webhooks did not bring."""

from typing import Any

from payments.service import catching_up
from payments.tables import inbox
from shared import finish_init
from shared.runtime import clock, observability

inbox.prepare()


def catch_up(event: Any, context: Any) -> dict[str, int]:
    """Every 5 minutes: keep the events that are not here; queue again what never was tried."""
    observability.begin(str(event.get("id") or context.aws_request_id))
    try:
        now = clock.now()
        sent = catching_up.send_again(now)
        kept = catching_up.catch_up(lambda: context.get_remaining_time_in_millis() / 1000, now)
        return {"kept": kept, "sent_again": sent}
    finally:
        observability.end()


finish_init()
