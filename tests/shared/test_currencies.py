"""The currencies that prices may be in."""

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.values.money import CURRENCIES, UNCHARGEABLE_CURRENCIES, ChargeablePrice, Money, Price
from shared.values.money_format import EXPONENTS, SYMBOLS

CHARGEABLE = TypeAdapter(ChargeablePrice)


@pytest.mark.parametrize("currency", ["ZZZ", "XXX", "XTS", "XAU", "DEM", "HRK", "BGN", "CLF", "AAA"])
def test_a_price_in_a_code_that_is_no_currency_of_payment_is_invalid(currency):
    with pytest.raises(ValidationError, match=f"{currency} is not a currency"):
        CHARGEABLE.validate_python({"amount": 1, "currency": currency})


@pytest.mark.parametrize("currency", ["ZZZ", "BGN"])
def test_stored_amounts_in_a_former_currency_can_be_read(currency):
    for kind in (Money, Price):
        assert kind.model_validate({"amount": 1, "currency": currency}).currency == currency


@pytest.mark.parametrize("currency", ["GBP", "EUR", "USD", "JPY", "CHF", "SLE", "VES", "XCG", "ZWG", "XOF"])
def test_a_price_may_be_in_a_currency_of_payment(currency):
    assert CHARGEABLE.validate_python({"amount": 1, "currency": currency}).currency == currency


def test_currency_tables_contain_only_known_currencies():
    assert CURRENCIES.issuperset({*EXPONENTS, *SYMBOLS, *UNCHARGEABLE_CURRENCIES})
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    assert len(CURRENCIES) == 155
