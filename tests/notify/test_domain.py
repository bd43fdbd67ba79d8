"""Which letters there are, and how they put what they say."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notify import domain
from notify.domain import money_text, one_line, salutation
from shared.money import Money
from tests.notify.facts import gbp, line, order, payment


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1299, "GBP", "£12.99"),
        (5, "GBP", "£0.05"),
        (0, "EUR", "€0.00"),
        (-5, "GBP", "-£0.05"),
        (123_456_789, "USD", "$1,234,567.89"),
        (500, "JPY", "¥500"),
        (1_234_567, "KRW", "KRW 1,234,567"),
        (1250, "KWD", "KWD 1.250"),
        (1200, "CHF", "CHF 12.00"),
    ],
)
def test_money_is_written_by_its_currencys_own_minor_unit(amount: int, currency: str, text: str) -> None:
    assert money_text(Money(amount=amount, currency=currency)) == text


@given(st.integers(-(10**15), 10**15), st.sampled_from(["GBP", "JPY", "KWD", "SEK"]))
def test_no_digit_of_an_amount_is_lost(amount: int, currency: str) -> None:
    text = money_text(Money(amount=amount, currency=currency))
    digits = int("".join(char for char in text if char.isdigit()))
    assert digits == abs(amount)
    assert ("-" in text) == (amount < 0)


@given(st.text(max_size=400))
@example("a\r\nBcc: everyone@example.com")
@example("null\x00 vertical\x0b next\x85 line\u2028 paragraph\u2029")
@example("abc\u202edcba")
def test_text_from_outside_becomes_one_plain_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= domain.MAX_TEXT
    assert len(line.splitlines()) <= 1
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", line)
    assert one_line(line) == line


@pytest.mark.parametrize(
    "name",
    [
        "Win now http://evil.example",
        "visit WWW.EVIL.EXAMPLE",
        "evil.example/free",
        "go://x",
        "buy at evil.co",
    ],
)
def test_a_name_that_holds_a_link_is_not_greeted(name: str) -> None:
    assert salutation(name) == ""


@pytest.mark.parametrize("name", ["Ada", "J. R. R. Tolkien", "Zoë O'Neill", "王小明", "Ada, Countess"])
def test_a_name_is_greeted_as_it_is(name: str) -> None:
    assert salutation(name) == name


def test_totals_leave_out_what_is_not_there() -> None:
    assert domain.totals(order(discount=gbp(0), total=gbp(123_990 + 395))) == [
        ("Subtotal", "£1,239.90"),
        ("Shipping", "£3.95"),
        ("Total", "£1,243.85"),
    ]


def test_totals_name_discount_and_tax() -> None:
    added = order(tax=gbp(200), total=gbp(123_990 - 1000 + 395 + 200))
    assert domain.totals(added) == [
        ("Subtotal", "£1,239.90"),
        ("Discount", "-£10.00"),
        ("Shipping", "£3.95"),
        ("Tax", "£2.00"),
        ("Total", "£1,235.85"),
    ]


def test_tax_that_prices_include_is_not_shown_as_added() -> None:
    assert ("Tax, included", "£2.00") in domain.totals(order(tax=gbp(200)))


def test_an_order_that_never_became_payable_is_not_mourned() -> None:
    never_placed = order(status="expired").model_copy(update={"lines": []})
    assert domain.order_expired(never_placed) is None
    assert domain.order_expired(order(line(), status="expired")) is not None


def test_a_confirmation_is_one_letter_whatever_event_asked_for_it() -> None:
    assert domain.order_confirmation(order()).id == domain.order_confirmation(order(line())).id
    assert domain.order_confirmation(order()).id != domain.order_confirmation(order(order_id="ord_2")).id


def test_each_decline_is_a_letter_of_its_own() -> None:
    first, second = (domain.payment_failed(payment(), event_id) for event_id in ("e1", "e2"))
    assert first.id != second.id
