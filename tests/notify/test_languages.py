"""Amounts and dates in each language, the text of text messages, and the colours of the brand."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notify.domain import sms
from notify.domain.brand import DARK_GROUND, LIGHT_GROUND, Brand, contrast, legible
from notify.domain.languages import LANGUAGES, language_for
from notify.domain.text import prose, salutation
from shared.values.money import Money
from shared.values.money_format import STYLES, format_money


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1299, "GBP", "12,99\u00a0£"),
        (-5, "EUR", "-0,05\u00a0€"),
        (123_456_789, "USD", "1.234.567,89\u00a0$"),
        (500, "JPY", "500\u00a0¥"),
        (1250, "KWD", "1,250\u00a0KWD"),
        (120_000, "CHF", "1.200,00\u00a0CHF"),
    ],
)
def test_german_amounts_use_a_decimal_comma_and_a_trailing_symbol(
    amount: int, currency: str, text: str
) -> None:
    assert format_money(Money(amount=amount, currency=currency), "de") == text


@given(st.integers(-(10**15), 10**15), st.sampled_from(["GBP", "JPY", "KWD"]), st.sampled_from(list(STYLES)))
def test_no_digit_of_an_amount_is_lost_in_any_language(amount: int, currency: str, language: str) -> None:
    text = format_money(Money(amount=amount, currency=currency), language)
    assert int("".join(char for char in text if char.isdigit())) == abs(amount)
    assert text.startswith("-") == (amount < 0)


def test_each_language_formats_money_and_names_twelve_months() -> None:
    assert set(LANGUAGES) == set(STYLES)
    assert all(len(set(language.months)) == 12 for language in LANGUAGES.values())


@pytest.mark.parametrize(
    ("language", "date", "date_time"),
    [
        ("en", "1 March 2026", "1 March 2026, 00:05 UTC"),
        ("de", "1. März 2026", "1. März 2026, 00:05 Uhr (UTC)"),
    ],
)
def test_dates_and_times_are_in_the_language_and_in_utc(language: str, date: str, date_time: str) -> None:
    at = datetime(2026, 2, 28, 22, 5, tzinfo=timezone(timedelta(hours=-2)))
    assert language_for(language).date(at) == date
    assert language_for(language).date_time(at) == date_time
    assert language_for(language).date(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)).endswith("2026")


def test_an_unsupported_language_falls_back_to_english() -> None:
    assert language_for("fr").code == "en"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grüße für 5\u00a0€", "Grüße für 5 €"),
        ("„Zoë’s“ – café…", '"Zoe\'s" - café...'),
        ("Łódź 王 🏺", "?odz ? ?"),
        ("a\u0301\u200d", "a"),
    ],
)
def test_text_is_transliterated_to_the_gsm_alphabet(text: str, expected: str) -> None:
    assert sms.gsm(text) == expected


@given(st.text(max_size=400), st.integers(10, 306))
@example("€" * 200, 306)
@example("word " * 100, 160)
def test_a_long_text_message_is_cut_to_the_limit(text: str, limit: int) -> None:
    full = sms.gsm(text)
    cut = sms.cut(full, limit)
    assert sms.septets(cut) <= limit
    assert cut == full or cut.endswith("...")
    assert set(cut) <= sms.ALPHABET


def test_a_text_message_is_cut_after_a_whole_word() -> None:
    assert sms.cut("one two, three four", 14) == "one two..."
    assert sms.cut("one", 3) == "one"


@pytest.mark.parametrize("colour", ["#1f4d3a", "#ffee00", "#000000", "#ffffff", "#777777", "#FF00aa"])
def test_brand_colours_have_enough_contrast_in_light_and_dark_mode(colour: str) -> None:
    brand = Brand("Shop", colour, "", "https://shop.example")
    for foreground, background in (
        (brand.accent, LIGHT_GROUND),
        (brand.on_accent, brand.accent),
        (brand.dark_accent, DARK_GROUND),
        (brand.on_dark_accent, brand.dark_accent),
    ):
        assert contrast(foreground, background) >= 4.5


def test_a_legible_colour_is_unchanged() -> None:
    assert legible("#1f4d3a", LIGHT_GROUND) == "#1f4d3a"
    assert contrast("#ffffff", "#000000") == pytest.approx(21)


@pytest.mark.parametrize("colour", ["", "green", "#fff", "#12345g", "#1f4d3a;x"])
def test_an_invalid_colour_is_rejected(colour: str) -> None:
    with pytest.raises(ValueError, match="invalid colour"):
        Brand("Shop", colour, "", "https://shop.example")


@pytest.mark.parametrize("name", ["evil．example", "ｗｗｗ.evil", "evil。example", "go evil․example"])
def test_a_name_that_normalizes_to_a_link_is_omitted(name: str) -> None:
    assert salutation(name) == ""


def test_prose_keeps_its_paragraphs() -> None:
    assert prose(" a\r\nb\n\n\n\nc\x00d\u202e ") == "a\nb\n\nc d"
    assert len(prose("x " * 50_000)) <= 20_000
