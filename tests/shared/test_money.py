"""Money: exact amounts of one currency, rounded half-even."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.values.money import UNCHARGEABLE_CURRENCIES, ChargeablePrice, Money, Price, half_even


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_half_even_equals_the_rounding_of_decimal(numerator, denominator):
    exact = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    assert half_even(numerator, denominator) == int(exact)


def test_ties_are_rounded_to_the_even_integer():
    assert [half_even(n, 2) for n in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]
    assert Money(amount=1250, currency="GBP").share(2000) == Money(amount=250, currency="GBP")


def test_amounts_of_different_currencies_cannot_be_added():
    with pytest.raises(ValueError, match="GBP with EUR"):
        Money(amount=1, currency="GBP") + Money(amount=1, currency="EUR")


@pytest.mark.parametrize(
    "value",
    [
        {"amount": 1.0, "currency": "GBP"},
        {"amount": "1", "currency": "GBP"},
        {"amount": True, "currency": "GBP"},
        {"amount": -1, "currency": "GBP"},
        {"amount": 1, "currency": "gbp"},
        {"amount": 1, "currency": "GBP", "exponent": 2},
    ],
)
def test_a_price_is_an_integer_and_not_negative(value):
    with pytest.raises(ValidationError):
        Price.model_validate(value)


CHARGEABLE = TypeAdapter(ChargeablePrice)


@pytest.mark.parametrize("currency", ["GBP", "EUR", "USD", "JPY", "KRW", "CLP", "XOF", "HUF", "TWD"])
def test_a_price_is_accepted_if_stripe_uses_the_iso_minor_unit(currency):
    price = Price(amount=1299, currency=currency)
    assert CHARGEABLE.validate_python({"amount": 1299, "currency": currency}) == price


@pytest.mark.parametrize("currency", ["BHD", "ISK", "JOD", "KWD", "MGA", "OMR", "TND", "UGX"])
def test_a_price_is_invalid_if_stripe_would_charge_another_amount(currency):
    assert currency in UNCHARGEABLE_CURRENCIES
    with pytest.raises(ValidationError, match=rf"{currency}.*, such as GBP, EUR or USD\."):
        CHARGEABLE.validate_python({"amount": 1290, "currency": currency})
    assert Price(amount=1290, currency=currency).amount == 1290, "stored prices can still be read"
