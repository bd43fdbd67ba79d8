"""The local Stripe: an emulator of the Stripe API with test cards, webhooks and fault injection."""
