"""OrdersRelay: publishes the events that follow from the table's stream."""

from orders.relay import derive_events
from orders.settings import settings
from shared import finish_init
from shared.messaging import stream_relay

relay = stream_relay.relay(settings().orders_topic_arn, derive_events)
finish_init()
