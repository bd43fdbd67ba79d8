"""OrdersConsumer: the queue of payments' and notify's events."""

from orders.consumers import consumers
from shared import finish_init

consume = consumers.handle
finish_init()
