"""The rows of orders, and the only code that reads and writes them."""
