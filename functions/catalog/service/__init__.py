"""The catalog's use cases: products, categories, stock and reservations."""
