"""Payments' tables, and the only code that touches them."""
