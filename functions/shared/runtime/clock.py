"""The one place where the time is read; rules are handed it."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, UTC, to the millisecond (what the API shows is what is stored)."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970, the form DynamoDB's TTL and JWT take."""
    return int(moment.timestamp())
