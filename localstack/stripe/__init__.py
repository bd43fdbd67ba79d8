"""A small Stripe for one machine: the API that a shop uses, test cards, webhooks and bad days."""
