"""UsersRelay: publishes the events that follow from the table's stream."""

from shared import finish_init
from shared.messaging import stream_relay
from users.relay import derive_events
from users.settings import settings

relay = stream_relay.relay(settings().users_topic_arn, derive_events)
finish_init()
