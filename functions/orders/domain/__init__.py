"""The rules of an order: pure, a module a subject."""
