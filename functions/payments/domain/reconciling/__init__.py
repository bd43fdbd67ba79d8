"""What is held here compared with what Stripe and orders say: pure rules."""
