"""NotifyRelay: publishes the events that follow from the table's stream."""

from notify.relay import derive_events
from notify.settings import settings
from shared import finish_init
from shared.messaging import stream_relay

relay = stream_relay.relay(settings().notify_topic_arn, derive_events)
finish_init()
