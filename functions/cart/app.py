"""The cart's doors: every Lambda handler by name."""

from cart import tables
from cart.commands import commands as questions
from cart.consumers import consumers
from cart.routes import routes
from shared.http import Api

api = Api(routes, once=tables.once, probe=tables.probe)
commands = questions.handle
consume = consumers.handle
