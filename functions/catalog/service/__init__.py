"""The catalog's use cases, by what they are about."""
