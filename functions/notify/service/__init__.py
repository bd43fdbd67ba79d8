"""The use cases, a module a subject: telling, what staff write, feedback, preferences, reading."""
