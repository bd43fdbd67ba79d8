"""OrdersSweeper: the schedule that expires overdue orders."""

from typing import Any

from orders.service import expiry
from shared import finish_init
from shared.runtime import observability


def sweep(event: Any, context: Any) -> dict[str, int]:
    """Expire overdue orders (every minute)."""
    observability.begin(str(event.get("id") or context.aws_request_id))
    expired = expiry.expire_overdue(lambda: context.get_remaining_time_in_millis() / 1000)
    observability.end()
    return {"expired": expired}


finish_init()
