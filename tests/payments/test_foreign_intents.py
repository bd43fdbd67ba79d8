"""Money that came to the shop's account at Stripe by somebody else's hand."""

import pytest

FOREIGN = {"amount": 500, "currency": "gbp"}
PAID = {"payment_method": "pm_card_visa", "confirm": True}


@pytest.mark.parametrize(("more", "is_counted"), [({}, False), (PAID, True)], ids=["made", "paid"])
def test_only_an_intent_that_holds_money_is_counted(driver, capsys, more, is_counted):
    driver.stripe.payment_intents.create(FOREIGN | more)
    driver.deliver_all()
    assert ("ForeignIntents" in capsys.readouterr().out) is is_counted
