"""Ids: a prefix that names the kind of resource, and a ULID that sorts by creation time."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from ulid import ULID

# A ULID is 10 characters of time and 16 random ones.
RANDOM_LENGTH = 16
# Our ids have about 30 characters. A longer id than this does not exist: callers need not look it up, and
# DynamoDB would reject a key of more than 2,048 bytes with an error.
MAX_ID_LENGTH = 64  # characters
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(prefix: str) -> str:
    """Return a new id such as `ord_01J9Z…`: opaque, URL-safe, sortable by creation time."""
    return f"{prefix}_{ULID()}"


def derived_id(prefix: str, *parts: str) -> str:
    """Return the id of `parts`, always the same for the same parts, so that a repeated effect finds it."""
    digest = sha256("\x00".join(parts).encode()).hexdigest()
    return f"{prefix}_{digest[:26]}"


def keyed_id(prefix: str, now: datetime, key: str) -> str:
    """Return an id that sorts by `now`; its random part is derived from `key` (see `matches_key`)."""
    return f"{prefix}_{ULID.from_bytes(_milliseconds(now).to_bytes(6) + sha256(key.encode()).digest()[:10])}"


def matches_key(keyed: str, key: str) -> bool:
    """Return whether `keyed_id` returned this id for this key, at any time."""
    return keyed[-RANDOM_LENGTH:] == keyed_id("", _EPOCH, key)[-RANDOM_LENGTH:]


def _milliseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(milliseconds=1)
