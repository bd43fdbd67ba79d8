"""PaymentsConsumer: the queue of orders' events."""

from payments.consumers.orders import consumers
from payments.tables import rows
from shared import finish_init

rows.prepare()
consume = consumers.handle
finish_init()
