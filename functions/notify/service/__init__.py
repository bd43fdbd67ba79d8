"""The use cases: one module per subject."""
