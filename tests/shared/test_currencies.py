"""Which currencies there are."""

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.values.money import CURRENCIES, UNCHARGEABLE_CURRENCIES, ChargeablePrice, Money, Price
from shared.values.money_format import EXPONENTS, SYMBOLS

CHARGEABLE = TypeAdapter(ChargeablePrice)


@pytest.mark.parametrize("currency", ["ZZZ", "XXX", "XTS", "XAU", "DEM", "HRK", "BGN", "CLF", "AAA"])
def test_no_price_is_in_what_nobody_pays_with(currency):
    with pytest.raises(ValidationError, match=f"{currency} is not a currency"):
        CHARGEABLE.validate_python({"amount": 1, "currency": currency})


@pytest.mark.parametrize("currency", ["ZZZ", "BGN"])
def test_what_is_kept_in_such_a_currency_is_read(currency):
    for kind in (Money, Price):
        assert kind.model_validate({"amount": 1, "currency": currency}).currency == currency


@pytest.mark.parametrize("currency", ["GBP", "EUR", "USD", "JPY", "CHF", "SLE", "VES", "XCG", "ZWG", "XOF"])
def test_a_price_may_be_in_any_that_people_pay_with(currency):
    assert CHARGEABLE.validate_python({"amount": 1, "currency": currency}).currency == currency


def test_what_is_known_of_currencies_is_of_those_there_are():
    assert CURRENCIES.issuperset({*EXPONENTS, *SYMBOLS, *UNCHARGEABLE_CURRENCIES})
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    assert len(CURRENCIES) == 155
