"""The use cases of orders: one module per subject."""
