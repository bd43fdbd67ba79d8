"""Payments to begin with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from payments.domain.payments import Capture, Payment, Status
from shared.values.money import Money

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOTAL = 1000
PAYMENT = Payment(
    "pay_1", "ord_1", "usr_1", "ada@example.com", Money(amount=TOTAL, currency="GBP"), 1, NOW, NOW
)
HELD = replace(
    PAYMENT,
    capture=Capture.MANUAL,
    status=Status.AUTHORIZED,
    provider_id="pi_1",
    capturable=TOTAL,
    capture_before=NOW + timedelta(days=7),
    multicapture=True,
)


def held_payment(driver, card="pm_card_visa"):
    """A payment of £20.00 that is held and was said; its id and its intent's."""
    driver.order(total=2000)
    opened = driver.pay().json
    driver.card(opened["provider_id"], card)
    assert driver.turn() == ["payment.authorized"]
    return opened["payment_id"], opened["provider_id"]
