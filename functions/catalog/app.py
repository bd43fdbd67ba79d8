"""Entry points: the catalog's Lambda handlers.

`api` serves HTTP, `commands` calls from other services, `consume` order events, `relay` the table's stream.
"""

from catalog.commands import commands as registry
from catalog.consumers import consumers
from catalog.relay import make_relay
from catalog.routes import routes
from catalog.settings import settings
from catalog.tables import rows
from shared.http.api import Api

api = Api(routes, idempotency=rows.idempotency, probe=rows.probe)
commands = registry.handle
consume = consumers.handle
relay = make_relay(settings().catalog_topic_arn)
