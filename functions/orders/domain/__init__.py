"""The rules of orders, without I/O: one module per subject."""
