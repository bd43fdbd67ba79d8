"""CartCommands: calls from orders, and from operators."""

from cart.commands import commands as registry
from shared import finish_init

commands = registry.handle
finish_init()
