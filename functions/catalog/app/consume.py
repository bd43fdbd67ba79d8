"""CatalogConsumer: the queue of orders' events."""

from catalog.consumers import consumers
from shared import finish_init

consume = consumers.handle
finish_init()
