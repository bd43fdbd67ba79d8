"""The types of timestamps in requests."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

_STARTS_WITH_DATE = re.compile(r"\d{4}-\d\d-\d\d(?![^Tt ])")


def _must_be_rfc_3339(value: Any) -> Any:
    # pydantic would also accept a number of seconds, such as "0.5".
    if not isinstance(value, date) and not (isinstance(value, str) and _STARTS_WITH_DATE.match(value)):
        raise ValueError("write a time as RFC 3339, such as 2026-11-28T09:30:00Z")
    return value


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("the year must be between 1 and 9999 in UTC") from None


# A time with a zone, converted to UTC. Not strict, because a validated text counts as a Python value.
Timestamp = Annotated[
    AwareDatetime, Field(strict=False), AfterValidator(_in_utc), BeforeValidator(_must_be_rfc_3339)
]
# A day, or a time; one without a zone is in UTC.
DayOrTime = Annotated[date | datetime, BeforeValidator(_must_be_rfc_3339)]
