"""Root: the routes that belong to no service."""
