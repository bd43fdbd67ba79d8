"""The users' doors: every Lambda handler by name (`authorizer.authorize` stands apart: it loads less)."""

from shared.http.api import Api
from shared.messaging import stream_relay
from users import tables
from users.commands import commands as questions
from users.relay import derive_events
from users.routes import routes
from users.settings import settings

api = Api(routes, idempotency=tables.idempotency, probe=tables.probe)
commands = questions.handle
relay = stream_relay.relay(settings().users_topic_arn, derive_events)
