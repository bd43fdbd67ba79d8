"""The cart's rows and the only code that touches them."""
