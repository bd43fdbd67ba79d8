"""NotifyRelay: the table's stream."""

from notify.relay import news
from notify.settings import settings
from shared import outbox, ready

relay = outbox.relay(settings().notify_topic_arn, news)
ready()
