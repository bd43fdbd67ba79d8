"""Sample payments."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from payments.domain.authorizations import Authorization
from payments.domain.captures import CaptureMethod
from payments.domain.payments import OrderRef, Payment, Status
from payments.domain.stripe_objects import StripeRefs
from shared.values.money import Money

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOTAL = 1000
ORDER = OrderRef("ord_1", "", "usr_1", "ada@example.com")
PAYMENT = Payment("pay_1", ORDER, Money(amount=TOTAL, currency="GBP"), 1, NOW, NOW)
AUTHORIZED = replace(
    PAYMENT,
    capture_method=CaptureMethod.MANUAL,
    status=Status.AUTHORIZED,
    stripe=StripeRefs(intent_id="pi_1"),
    authorization=Authorization(TOTAL, NOW + timedelta(days=7), multicapture=True),
)


def having(payment: Payment, **changes: Any) -> Payment:
    """Return the payment with changed fields; `captures__due=300` changes a field of a value object."""
    for name, value in changes.items():
        part, _, field = name.partition("__")
        new = replace(getattr(payment, part), **{field: value}) if field else value
        payment = replace(payment, **{part: new})
    return payment


def authorized_payment(driver, card="pm_card_visa"):
    """Open and authorize a payment of £20.00; return its id and its intent's."""
    driver.order(total=2000)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], card)
    assert driver.deliver_all() == ["payment.authorized"]
    return opened["payment_id"], opened["provider_id"]
