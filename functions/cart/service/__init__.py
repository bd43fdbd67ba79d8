"""The use cases of cart, one module per subject."""
