"""Queues in: what orders says, and Stripe's stored events."""
