"""The doors: notify's Lambda handlers."""

from notify import consumers, mailer, tables
from shared import ready

tables.warm_up()
mailer.warm_up()
ready()

consume = consumers.handle
