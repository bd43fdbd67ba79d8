"""The entry points of orders: one per Lambda function."""

from typing import Any

from orders import commands as command_handlers
from orders import consumers
from orders import relay as stream
from orders.routes import routes
from orders.service import expiry
from orders.settings import settings
from orders.tables import orders
from orders.tables.rows import idempotency
from shared.http.api import Api
from shared.messaging import stream_relay
from shared.runtime import observability

api = Api(routes, idempotency=idempotency, probe=orders.probe)
commands = command_handlers.handle
consume = consumers.handle
relay = stream_relay.relay(settings().orders_topic_arn, stream.derive_events)


def sweep(event: Any, context: Any) -> dict[str, int]:
    """Expire overdue orders; scheduled every minute."""
    observability.begin(str(event.get("id") or context.aws_request_id))
    expired = expiry.expire_overdue(lambda: context.get_remaining_time_in_millis() / 1000)
    observability.end()
    return {"expired": expired}
