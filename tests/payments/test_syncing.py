"""Synchronization of payments with Stripe: late, repeated, reordered and missing events."""

import random
from contextlib import contextmanager

import pytest
import stripe as sdk

from payments import stripe_gateway
from payments.app import apply
from payments.service import syncing
from payments.tables import payments
from shared.contracts.events.payments import PaymentSucceeded
from shared.contracts.events.published import read_event
from shared.dynamodb.rows import ConcurrentUpdate, transaction
from shared.runtime import clock, secrets
from tests.payments.payments_driver import gbp
from tests.support import Context, sqs_event

DECLINED = "pm_card_visa_chargeDeclined"


def test_a_paid_intent_is_published_once(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]
    assert driver.deliver_all() == []
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_repeated_events_in_any_order_give_the_same_result(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], DECLINED)
    driver.confirm(opened["provider_id"])
    events = driver.stripe_events() * 2
    random.Random(7).shuffle(events)
    types = []
    for each in events:
        driver.post_event(each)
        driver.apply_events()
        types += driver.published_types()
    assert types == ["payment.succeeded"]
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_each_declined_card_is_published_and_leaves_the_payment_open(driver):
    driver.order()
    opened = driver.pay().json
    types = []
    for _ in range(2):
        driver.confirm(opened["provider_id"], DECLINED)
        types += driver.deliver_all()
    assert types == ["payment.failed", "payment.failed"]
    seen = driver.get(f"/payments/{opened['payment_id']}").json
    assert (seen["status"], seen["reason"]) == ("requires_payment", "generic_decline")
    assert driver.pay().json["client_secret"] == opened["client_secret"]
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]
    assert driver.get(f"/payments/{opened['payment_id']}").json["reason"] is None


def test_the_event_has_the_user_and_the_amounts(driver):
    driver.order(total=4321)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    for each in driver.stripe_events():
        driver.post_event(each)
    for body in driver.queued_messages():
        apply.apply(sqs_event(body), Context())
    [published] = driver.published_events()
    event = read_event(published)
    assert isinstance(event, PaymentSucceeded)
    assert (event.data.amount, event.data.refunded) == (gbp(4321), gbp(0))
    assert (event.data.user_id, event.data.email) == ("usr_1", "ada@example.com")
    assert (event.subject, event.requestid is not None) == (opened["payment_id"], True)


def test_an_intent_created_elsewhere_is_ignored(driver):
    driver.order()
    opened = driver.pay().json
    forged = {"order_id": "ord_1", "payment_id": opened["payment_id"]}
    for metadata in ({}, {"payment_id": "pay_none", "order_id": "ord_1"}, forged):
        driver.stripe.payment_intents.create(
            {
                "amount": 50,
                "currency": "gbp",
                "confirm": True,
                "payment_method": "pm_card_visa",
                "metadata": metadata,
            }
        )
    assert driver.deliver_all() == []
    assert driver.status(opened["payment_id"]) == "requires_payment"
    assert "failed" not in driver.inbox().values()


def test_an_order_can_be_paid_after_its_intent_was_cancelled_at_stripe(driver):
    driver.order()
    first = driver.pay().json
    driver.stripe.payment_intents.cancel(first["provider_id"])
    driver.deliver_all()
    assert driver.status(first["payment_id"]) == "cancelled"
    second = driver.pay().json
    assert second["payment_id"] != first["payment_id"]
    assert second["provider_id"] != first["provider_id"]


def test_an_earlier_read_never_overwrites_a_later_one(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], DECLINED)
    real = stripe_gateway.intent
    reads = []

    def read_then_pay(intent_id):
        seen = real(intent_id)
        reads.append(seen.status)
        if len(reads) == 1:  # another worker records the payment between this read and its write
            driver.confirm(intent_id)
            syncing.sync_from_stripe(opened["payment_id"], clock.now())
        return seen

    monkeypatch.setattr(stripe_gateway, "intent", read_then_pay)
    syncing.sync_from_stripe(opened["payment_id"], clock.now())
    assert reads == ["requires_payment_method", "succeeded", "succeeded"]
    assert driver.status(opened["payment_id"]) == "succeeded"


def add_conflicts(monkeypatch, times):
    """Make the next `times` transactions conflict with another one."""
    real, conflicts = transaction, [ConcurrentUpdate()] * times

    @contextmanager
    def conflicting_transaction(model):
        if conflicts:
            raise conflicts.pop()
        with real(model) as writes:
            yield writes

    monkeypatch.setattr(payments, "transaction", conflicting_transaction)


def test_a_write_that_conflicts_with_another_is_repeated_at_once(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    add_conflicts(monkeypatch, syncing.TRIES - 1)
    assert syncing.sync_from_stripe(opened["payment_id"], clock.now()).status == "succeeded"
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_a_write_that_conflicts_on_every_try_raises_concurrent_update(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    add_conflicts(monkeypatch, syncing.TRIES)
    with pytest.raises(ConcurrentUpdate):
        syncing.sync_from_stripe(opened["payment_id"], clock.now())
    assert driver.status(opened["payment_id"]) == "requires_payment"


def test_a_payment_can_be_opened_after_a_wrong_api_key_was_replaced(driver, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(secrets, "secret", lambda _: {"api_key": "wrong"})
        driver.order()
        assert driver.pay(key="k").status == 503
    assert driver.pay(key="k").status == 201


def test_an_error_of_stripe_keeps_its_code_and_its_cause(driver):
    with pytest.raises(stripe_gateway.StripeRefused) as rejected:
        stripe_gateway.intent("pi_none")
    assert rejected.value.code == "resource_missing"
    assert isinstance(rejected.value.__cause__, sdk.InvalidRequestError)
    assert payments.payment("pay_none") is None
