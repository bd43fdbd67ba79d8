"""Catalog: products, categories, stock and reservations."""
