"""Ids: a prefix that says of what, and a ULID that sorts by the time it was made."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from ulid import ULID

RANDOM_LENGTH = 16  # characters of a ULID behind those of its time
MAX_ID_LENGTH = 64  # ours have some 30; one too long for a key DynamoDB calls an error, and is absent instead
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(prefix: str) -> str:
    """A fresh id such as `ord_01J9Z…`: opaque, URL-safe, sortable by creation time."""
    return f"{prefix}_{ULID()}"


def derived_id(prefix: str, *parts: str) -> str:
    """The same id for the same parts, always: for effects that may be asked for twice."""
    digest = sha256("\x00".join(parts).encode()).hexdigest()
    return f"{prefix}_{digest[:26]}"


def keyed_id(prefix: str, now: datetime, key: str) -> str:
    """An id that sorts by `now` and whose random part is the key's: `of_key` knows it again at any time."""
    return f"{prefix}_{ULID.from_bytes(_milliseconds(now).to_bytes(6) + sha256(key.encode()).digest()[:10])}"


def matches_key(known: str, key: str) -> bool:
    """Whether the id was made of this key, whenever that was."""
    return known[-RANDOM_LENGTH:] == keyed_id("", _EPOCH, key)[-RANDOM_LENGTH:]


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
