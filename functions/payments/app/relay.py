"""PaymentsRelay and PaymentsInboxRelay: the streams of the two tables."""

from payments.relay import derive_events, forward
from payments.settings import settings
from shared import finish_init
from shared.messaging import stream_relay

relay = stream_relay.relay(settings().payments_topic_arn, derive_events)
inbox_relay = forward
finish_init()
