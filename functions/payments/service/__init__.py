"""Payments' use cases, a module a neighbour: what talks to Stripe apart from what must start fast."""
