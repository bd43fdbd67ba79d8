"""A moment as clients name it, kept in UTC."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this time is beyond what can be told") from None


Timestamp = Annotated[AwareDatetime, AfterValidator(_in_utc)]
