"""Messages in, a module a queue."""
