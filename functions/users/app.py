"""The users' doors: every Lambda handler by name (`authorizer.authorize` stands apart: it loads less)."""

from shared import outbox
from shared.http import Api
from users import tables
from users.commands import commands as questions
from users.relay import news
from users.routes import routes
from users.settings import settings

api = Api(routes, once=tables.once, probe=tables.probe)
commands = questions.handle
relay = outbox.relay(settings().users_topic_arn, news)
