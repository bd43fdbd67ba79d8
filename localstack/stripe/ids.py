"""Random ids in Stripe's format."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def token(length: int = 24) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new(prefix: str) -> str:
    """Return `<prefix>_` and 24 random alphanumeric characters."""
    return f"{prefix}_{token()}"
