"""The languages letters are written in, and how each writes days and hours."""

from dataclasses import dataclass
from datetime import UTC, datetime

from shared.values.money import Money
from shared.values.money_format import format_money


@dataclass(frozen=True)
class Language:
    """A language by its ISO 639 code: the names of its months, and how it puts a day and an hour.

    A third one is an entry here and in `shared.values.money_format.STYLES`, and a folder beside
    `templates/en`.
    """

    code: str
    months: tuple[str, ...]
    day_pattern: str
    moment_pattern: str

    def day(self, at: datetime) -> str:
        """21 November 2026, in UTC."""
        at = at.astimezone(UTC)
        return self.day_pattern.format(day=at.day, month=self.months[at.month - 1], year=at.year)

    def moment(self, at: datetime) -> str:
        """21 November 2026, 09:30 UTC: readers of one letter live in many zones."""
        return self.moment_pattern.format(day=self.day(at), time=f"{at.astimezone(UTC):%H:%M}")

    def money(self, sum_: Money) -> str:
        return format_money(sum_, self.code)


# Unicode CLDR 46, calendars/gregorian: months/format/wide and dateFormats/long.
ENGLISH = Language(
    code="en",
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    day_pattern="{day} {month} {year}",
    moment_pattern="{day}, {time} UTC",
)
GERMAN = Language(
    code="de",
    months=(
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
    day_pattern="{day}. {month} {year}",
    moment_pattern="{day}, {time} Uhr (UTC)",
)
LANGUAGES = {language.code: language for language in (ENGLISH, GERMAN)}


def spoken(code: str) -> Language:
    """The language of that code; English where it is not one of ours: a letter is better than none."""
    return LANGUAGES.get(code, ENGLISH)
