"""CatalogCommands: calls from other services."""

from catalog.commands import commands as registry
from shared import finish_init

commands = registry.handle
finish_init()
