"""The current time; only this module reads it, and rules receive it as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC, cut to milliseconds, so that the API shows exactly what is stored."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def epoch(time: datetime) -> int:
    """Return whole seconds since 1970, as DynamoDB's TTL and JWT require."""
    return int(time.timestamp())
