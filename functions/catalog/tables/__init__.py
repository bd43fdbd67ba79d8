"""The catalog's rows, and the only code that reads and writes them."""
