"""The queues of payments: orders' events, and stored Stripe events."""
