"""Entry points: the Lambda handlers of users, except the authorizer, which loads less."""

from shared.http.api import Api
from shared.messaging import stream_relay
from users import commands as users_commands
from users import tables
from users.relay import derive_events
from users.routes import routes
from users.settings import settings

api = Api(routes, idempotency=tables.idempotency, probe=tables.probe)
commands = users_commands.commands.handle
relay = stream_relay.relay(settings().users_topic_arn, derive_events)
