"""Limits on how many notifications are sent in a period."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Limit:
    """At most `maximum` notifications counted under `counter`, until `ends_at`."""

    counter: str
    maximum: int
    ends_at: datetime


def hourly(recipient: str, maximum: int, now: datetime) -> Limit:
    """Limit the notifications to a recipient within a clock hour."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    return Limit(f"{recipient}#{hour:%Y-%m-%dT%H}", maximum, hour + timedelta(hours=1))


def daily(subject: str, maximum: int, now: datetime) -> Limit:
    """Limit the notifications about a subject within a UTC day."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Limit(f"{subject}#{day:%Y-%m-%d}", maximum, day + timedelta(days=1))
