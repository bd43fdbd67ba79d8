"""The languages of messages, with their formats of dates, times and amounts."""

from dataclasses import dataclass
from datetime import UTC, datetime

from shared.values.money import Money
from shared.values.money_format import format_money


@dataclass(frozen=True)
class Language:
    """A language, by its ISO 639 code. templates/README.md says how to add one."""

    code: str
    months: tuple[str, ...]
    date_pattern: str
    date_time_pattern: str

    def date(self, at: datetime) -> str:
        """Return the UTC date, such as 21 November 2026."""
        at = at.astimezone(UTC)
        return self.date_pattern.format(day=at.day, month=self.months[at.month - 1], year=at.year)

    def date_time(self, at: datetime) -> str:
        """Return the UTC date and time, such as 21 November 2026, 09:30 UTC: time zones are not known."""
        return self.date_time_pattern.format(date=self.date(at), time=f"{at.astimezone(UTC):%H:%M}")

    def money(self, amount: Money) -> str:
        return format_money(amount, self.code)


# Unicode CLDR 46, calendars/gregorian: months/format/wide and dateFormats/long.
ENGLISH = Language(
    code="en",
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    date_pattern="{day} {month} {year}",
    date_time_pattern="{date}, {time} UTC",
)
GERMAN = Language(
    code="de",
    months=(
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
    date_pattern="{day}. {month} {year}",
    date_time_pattern="{date}, {time} Uhr (UTC)",
)
LANGUAGES = {language.code: language for language in (ENGLISH, GERMAN)}


def language_for(code: str) -> Language:
    """Return the language of that code; English if it is not supported."""
    return LANGUAGES.get(code, ENGLISH)
