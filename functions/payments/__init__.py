"""Payments: money in and money back, through Stripe, in step with what Stripe says."""
