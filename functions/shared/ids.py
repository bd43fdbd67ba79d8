"""Ids: a prefix that says of what, and a ULID that sorts by the time it was made."""

from hashlib import sha256

from ulid import ULID


def new_id(prefix: str) -> str:
    """A fresh id such as `ord_01J9Z…`: opaque, URL-safe, sortable by creation time."""
    return f"{prefix}_{ULID()}"


def derived_id(prefix: str, *parts: str) -> str:
    """The same id for the same parts, always: for effects that may be asked for twice."""
    digest = sha256("\x00".join(parts).encode()).hexdigest()
    return f"{prefix}_{digest[:26]}"
