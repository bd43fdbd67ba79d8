"""PaymentsConsumer: the queue of what orders says."""

from payments.consumers.orders import consumers
from payments.tables import payments
from shared import ready

payments.prepare()
consume = consumers.handle
ready()
