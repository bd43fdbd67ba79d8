"""PaymentsInboxRelay: queues the Stripe events that the webhook stored."""

from payments.inbox_relay import forward
from shared import finish_init

inbox_relay = forward
finish_init()
