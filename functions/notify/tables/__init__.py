"""Notify's rows and the only code that touches them."""
