"""HTTP in, a module a function: only opening a payment talks to Stripe."""
