"""The orders' use cases, a module a subject. What happens when the process dies in one is in the README."""
