"""The Lambda handlers of cart."""

from cart.commands import commands as handled_commands
from cart.consumers import consumers
from cart.routes import routes
from cart.tables import rows
from shared.http.api import Api

api = Api(routes, idempotency=rows.idempotency, probe=rows.probe)
commands = handled_commands.handle
consume = consumers.handle
