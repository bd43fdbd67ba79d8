"""A limit as docs/limits.md lists it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Kind(StrEnum):
    """The sections of the document; a client meets the first ones first."""

    RULES = "Rules"
    LIFETIMES = "Lifetimes"
    RETRIES = "Timeouts and retries"
    PROCESSING = "Processing"
    RESOURCES = "AWS resources"


@dataclass(frozen=True, order=True)
class Limit:
    """A limit: `value` with its unit as text; `parameter` is what changes it, or `fixed`.

    `owners` are the resources that have it; empty if the name says so.
    """

    kind: Kind
    service: str
    name: str
    value: str
    reason: str
    parameter: str = "fixed"
    owners: tuple[str, ...] = ()


def text_of(value: object, unit: str = "") -> str:
    """Return a number with its unit; a period, or a number of seconds, in its largest whole unit."""
    if unit.startswith("seconds") and isinstance(value, int | float):
        value, unit = timedelta(seconds=value), unit.removeprefix("seconds")
    if isinstance(value, timedelta):
        number, name = _period(value)
        return f"{_plural(number, name)}{unit}"
    if isinstance(value, int | float):
        return _plural(value, unit)
    return f"{value} {unit}".strip()


def _period(value: timedelta) -> tuple[float, str]:
    """Return a period in its largest whole unit; one of a unit as several of the next smaller one."""
    seconds = value.total_seconds()
    for name, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds % size == 0 and seconds > size:
            return seconds // size, name
    return (seconds, "seconds") if seconds >= 1 else (seconds * 1000, "milliseconds")


def _plural(number: float, unit: str) -> str:
    """Return a number with its unit, whose first word is a plural."""
    if number == 1:
        unit = re.sub(r"^(\w+?)(ie)?s\b", lambda word: word[1] + ("y" if word[2] else ""), unit)
    return f"{number:,.10g} {unit}" if number % 1 else f"{number:,.0f} {unit}"
