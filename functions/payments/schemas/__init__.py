"""The requests and responses of the payments API."""
