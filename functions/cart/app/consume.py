"""CartConsumer: the queue of catalog's and orders' events."""

from cart.consumers import consumers
from shared import finish_init

consume = consumers.handle
finish_init()
