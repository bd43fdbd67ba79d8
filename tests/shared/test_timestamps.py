"""Timestamps in requests are RFC 3339 texts, never numbers."""

from datetime import UTC, date, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.http.routing import Body
from shared.values.timestamps import DayOrTime, Timestamp


class Window(Body):
    since: Timestamp


NOT_RFC_3339 = ["0", "0.5", "1764322200", "-1", "1e9", "", " ", "2026", "2026-11", "20261128", "next week"]


@pytest.mark.parametrize("text", [*NOT_RFC_3339, "2026-11-28", "2026-11-28T09:30:00"])
def test_a_timestamp_must_have_a_date_a_time_and_a_zone(text):
    with pytest.raises(ValidationError):
        Window.model_validate_json(f'{{"since": "{text}"}}')


def test_a_timestamp_is_converted_to_utc():
    parsed = Window.model_validate_json('{"since": "2026-11-28T09:30:00+01:00"}')
    assert parsed.since == datetime(2026, 11, 28, 8, 30, tzinfo=UTC)


def test_a_number_is_not_a_timestamp():
    with pytest.raises(ValidationError):
        Window.model_validate_json('{"since": 1764322200}')


@pytest.mark.parametrize("text", NOT_RFC_3339)
def test_a_filter_by_time_rejects_numbers_and_partial_dates(text):
    with pytest.raises(ValidationError):
        TypeAdapter(DayOrTime).validate_python(text)


def test_a_filter_by_time_accepts_a_day_or_a_time():
    accept = TypeAdapter(DayOrTime).validate_python
    assert accept("2026-11-28") == date(2026, 11, 28)
    assert accept("2026-11-28T09:30:00Z") == datetime(2026, 11, 28, 9, 30, tzinfo=UTC)


def test_the_schemas_name_the_formats():
    assert TypeAdapter(Timestamp).json_schema() == {"type": "string", "format": "date-time"}
    assert TypeAdapter(DayOrTime).json_schema() == {
        "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]
    }
