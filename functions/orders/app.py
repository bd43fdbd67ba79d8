"""The doors: orders' Lambda handlers."""

from typing import Any

from orders import commands as questions
from orders import consumers
from orders import relay as stream
from orders.routes import routes
from orders.service import ending
from orders.settings import settings
from orders.tables import orders
from orders.tables.rows import once
from shared import observe, outbox
from shared.http import Api

api = Api(routes, once=once, probe=orders.probe)
commands = questions.handle
consume = consumers.handle
relay = outbox.relay(settings().orders_topic_arn, stream.news)


def sweep(event: Any, context: Any) -> dict[str, int]:
    """Every minute: expire what is past its deadline."""
    observe.begin(str(event.get("id") or context.aws_request_id))
    expired = ending.expire_overdue(lambda: context.get_remaining_time_in_millis() / 1000)
    observe.end()
    return {"expired": expired}
