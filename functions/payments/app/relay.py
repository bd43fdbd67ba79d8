"""PaymentsRelay: publishes the events that follow from the table's stream."""

from payments.relay import derive_events
from payments.settings import settings
from shared import finish_init
from shared.messaging import stream_relay

relay = stream_relay.relay(settings().payments_topic_arn, derive_events)
finish_init()
