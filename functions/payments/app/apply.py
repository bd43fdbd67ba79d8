"""PaymentsApply: the queue of stored Stripe events."""

from payments.consumers import stripe_events
from payments.tables import inbox, rows
from shared import ready

rows.prepare()
inbox.prepare()
apply = stripe_events.handle
ready()
