"""Decline codes whose reason the cardholder must not learn."""

import pytest

from tests.support import staff


@pytest.mark.parametrize(
    ("card", "code", "shown"),
    [
        ("pm_card_visa_chargeDeclinedLostCard", "lost_card", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds", "insufficient_funds"),
    ],
)
def test_owners_see_a_general_code_for_a_confidential_decline(driver, card, code, shown):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], card)
    assert driver.deliver_all() == ["payment.failed"]
    path = f"/payments/{opened['payment_id']}"
    assert driver.get(path).json["reason"] == shown
    assert driver.get("/payments?order_id=ord_1").json["items"][0]["reason"] == shown
    assert driver.get(path, staff()).json["reason"] == code
