"""UsersCommands: calls from other services, and from operators."""

from shared import finish_init
from users.commands import commands as registry

commands = registry.handle
finish_init()
