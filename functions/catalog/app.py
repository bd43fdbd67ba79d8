"""The doors: catalog's Lambda handlers."""

from catalog import commands as questions
from catalog import consumers
from catalog import relay as stream
from catalog.routes import routes
from catalog.settings import settings
from catalog.tables import rows
from shared.http.api import Api

api = Api(routes, idempotency=rows.idempotency, probe=rows.probe)
commands = questions.handle
consume = consumers.handle
relay = stream.relay(settings().catalog_topic_arn)
