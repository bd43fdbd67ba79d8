"""The orders' rows and the only code that touches them."""
