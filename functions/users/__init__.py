"""Users: accounts, sessions and access tokens."""
