"""Names for objects, as long and as opaque as Stripe's."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def token(length: int = 24) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new(prefix: str) -> str:
    """`pi_` and 24 letters and digits, for the prefix `pi`."""
    return f"{prefix}_{token()}"
