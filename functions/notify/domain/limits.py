"""How often somebody may be told something."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Limit:
    """At most `most` of what is counted under `counter`, until `ends_at`."""

    counter: str
    most: int
    ends_at: datetime


def hourly(recipient: str, most: int, now: datetime) -> Limit:
    """So many notifications to a recipient in an hour of the clock."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    return Limit(f"{recipient}#{hour:%Y-%m-%dT%H}", most, hour + timedelta(hours=1))


def daily(matter: str, most: int, now: datetime) -> Limit:
    """So many letters about a matter in a day, UTC."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Limit(f"{matter}#{day:%Y-%m-%d}", most, day + timedelta(days=1))
