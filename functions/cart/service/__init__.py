"""The cart's use cases, a module a subject."""
