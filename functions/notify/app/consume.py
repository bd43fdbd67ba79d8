"""NotifyConsumer: sends the notifications that events and staff cause."""

from notify import mailer, rendering, sms_client
from notify.consumers.queue import consumers
from notify.tables import rows
from shared import finish_init

rows.warm_up()
mailer.warm_up()
sms_client.warm_up()
rendering.warm_up()
consume = consumers.handle
finish_init()
