"""PaymentsApply: the queue of stored Stripe events."""

from payments.consumers import stripe_events
from payments.tables import inbox, rows
from shared import finish_init

rows.prepare()
inbox.prepare()
apply = stripe_events.handle
finish_init()
