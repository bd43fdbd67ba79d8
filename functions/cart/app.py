"""The cart's doors: every Lambda handler by name."""

from cart.commands import commands as questions
from cart.consumers import consumers
from cart.routes import routes
from cart.tables import rows
from shared.http.api import Api

api = Api(routes, idempotency=rows.idempotency, probe=rows.probe)
commands = questions.handle
consume = consumers.handle
