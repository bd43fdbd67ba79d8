"""PaymentsRelay and PaymentsInboxRelay: the streams of payments' two tables."""

from payments.relay import forward, news
from payments.settings import settings
from shared import outbox, ready

relay = outbox.relay(settings().payments_topic_arn, news)
inbox_relay = forward
ready()
