"""The rows of cart, and the only code that reads and writes them."""
