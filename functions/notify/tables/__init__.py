"""The service's table."""
