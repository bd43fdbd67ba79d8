"""Payments and refunds through Stripe, kept in sync with Stripe."""
