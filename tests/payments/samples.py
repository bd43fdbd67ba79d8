"""Sample payments, and reads of their state at Stripe and in the ledger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from payments.domain.authorizations import Authorization
from payments.domain.captures import CaptureMethod
from payments.domain.ledger import balances, expected
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


def paid_payment(driver, card="pm_card_visa"):
    """Open a payment of £20.00 and pay it; return its id and its intent's."""
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], card)
    assert "payment.succeeded" in driver.deliver_all()
    return opened["payment_id"], opened["provider_id"]


def authorized_payment(driver, card="pm_card_visa"):
    """Open a payment of £20.00 and authorize it; return its id and its intent's."""
    driver.order(total=2000)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], card)
    assert driver.deliver_all() == ["payment.authorized"]
    return opened["payment_id"], opened["provider_id"]


def intent_state(driver, provider_id):
    """Return (status, captured amount, capturable amount) of an intent at Stripe."""
    intent = driver.stripe.payment_intents.retrieve(provider_id)
    return intent.status, intent.amount_received, intent.amount_capturable


def refund_amounts(driver, provider_id):
    """Return the amounts of an intent's refunds at Stripe."""
    return [each.amount for each in driver.stripe.refunds.list({"payment_intent": provider_id}).data]


def assert_ledger_matches(driver, payment_id):
    payment, entries = driver.payment(payment_id), driver.ledger(payment_id)
    assert balances(entries) == expected(payment)
    assert all(sum(line.amount for line in entry.lines) == 0 for entry in entries)
