"""Intents of other systems in the same Stripe account."""

import pytest

FOREIGN = {"amount": 500, "currency": "gbp"}
PAID = {"payment_method": "pm_card_visa", "confirm": True}


@pytest.mark.parametrize(("fields", "is_counted"), [({}, False), (PAID, True)], ids=["created", "paid"])
def test_only_a_foreign_intent_with_money_is_counted(driver, capsys, fields, is_counted):
    driver.stripe.payment_intents.create(FOREIGN | fields)
    driver.deliver_all()
    assert ("ForeignIntents" in capsys.readouterr().out) is is_counted
