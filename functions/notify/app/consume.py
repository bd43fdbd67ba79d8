"""NotifyConsumer: the queue of what notify hears and has promised."""

from notify import mailer, rendering, texter
from notify.consumers.events import consumers
from notify.tables import rows
from shared import finish_init

rows.warm_up()
mailer.warm_up()
texter.warm_up()
rendering.warm_up()
consume = consumers.handle
finish_init()
