"""PaymentsApply: the queue of stored Stripe events."""

from payments.consumers import stripe_events
from payments.tables import inbox, payments
from shared import ready

payments.prepare()
inbox.prepare()
apply = stripe_events.handle
ready()
