"""Synchronization with Stripe: late, repeated, reordered and missing events."""

import random
from contextlib import contextmanager

import pytest
import stripe as sdk

from payments import stripe_gateway
from payments.app import apply
from payments.service import syncing
from payments.tables import payments
from shared.contracts.events import PaymentSucceeded, read_event
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


def test_repeated_and_reordered_events_have_the_same_result(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], DECLINED)
    driver.confirm(opened["provider_id"])
    events = driver.stripe_events() * 2
    random.Random(7).shuffle(events)
    published = []
    for each in events:
        driver.post_event(each)
        driver.forward_inbox()
        driver.apply_events()
        published += driver.published_types()
    assert published == ["payment.succeeded"]
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_each_decline_is_published_and_leaves_the_payment_open(driver):
    driver.order()
    opened = driver.pay().json
    published = []
    for _ in range(2):
        driver.confirm(opened["provider_id"], DECLINED)
        published += driver.deliver_all()
    assert published == ["payment.failed", "payment.failed"]
    seen = driver.get(f"/payments/{opened['payment_id']}").json
    assert (seen["status"], seen["reason"]) == ("requires_payment", "generic_decline")
    assert driver.pay().json["client_secret"] == opened["client_secret"]
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]
    assert driver.get(f"/payments/{opened['payment_id']}").json["reason"] is None


def test_the_event_states_the_owner_and_the_amounts(driver):
    driver.order(total=4321)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    for each in driver.stripe_events():
        driver.post_event(each)
    driver.forward_inbox()
    for body in driver.queued_messages():
        apply.apply(sqs_event(body), Context())
    [published] = driver.published_events()
    event = read_event(published)
    assert isinstance(event, PaymentSucceeded)
    assert (event.data.amount, event.data.refunded) == (gbp(4321), gbp(0))
    assert (event.data.user_id, event.data.email) == ("usr_1", "ada@example.com")
    assert (event.subject, event.requestid is not None) == (opened["payment_id"], True)


def test_a_foreign_intent_is_ignored(driver):
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


def test_an_intent_cancelled_in_stripe_allows_another_payment(driver):
    driver.order()
    first = driver.pay().json
    driver.stripe.payment_intents.cancel(first["provider_id"])
    driver.deliver_all()
    assert driver.status(first["payment_id"]) == "cancelled"
    second = driver.pay().json
    assert second["payment_id"] != first["payment_id"]
    assert second["provider_id"] != first["provider_id"]


def test_an_older_state_never_overwrites_a_newer_one(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], DECLINED)
    real = stripe_gateway.intent
    reads = []

    def concurrent(intent_id):
        seen = real(intent_id)
        reads.append(seen.status)
        if len(reads) == 1:  # before the write, the card pays and another worker records it
            driver.confirm(intent_id)
            syncing.sync_from_stripe(opened["payment_id"], clock.now())
        return seen

    monkeypatch.setattr(stripe_gateway, "intent", concurrent)
    syncing.sync_from_stripe(opened["payment_id"], clock.now())
    assert reads == ["requires_payment_method", "succeeded", "succeeded"]
    assert driver.status(opened["payment_id"]) == "succeeded"


def conflicting(monkeypatch, times):
    """Let another transaction hold the payment's row `times` times."""
    real, left = transaction, [ConcurrentUpdate()] * times

    @contextmanager
    def busy(model):
        if left:
            raise left.pop()
        with real(model) as writes:
            yield writes

    monkeypatch.setattr(payments, "transaction", busy)


def test_a_write_is_retried_after_a_transaction_conflict(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    conflicting(monkeypatch, syncing.TRIES - 1)
    assert syncing.sync_from_stripe(opened["payment_id"], clock.now()).status == "succeeded"
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_a_permanent_transaction_conflict_raises(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    conflicting(monkeypatch, syncing.TRIES)
    with pytest.raises(ConcurrentUpdate):
        syncing.sync_from_stripe(opened["payment_id"], clock.now())
    assert driver.status(opened["payment_id"]) == "requires_payment"


def test_a_wrong_api_key_is_503_and_a_retry_succeeds(driver, monkeypatch):
    with monkeypatch.context() as wrong:
        wrong.setattr(secrets, "secret", lambda _: {"api_key": "nonsense"})
        driver.order()
        assert driver.pay(key="k").status == 503
    assert driver.pay(key="k").status == 201


def test_an_unknown_intent_raises_stripe_refused(driver):
    with pytest.raises(stripe_gateway.StripeRefused) as refused:
        stripe_gateway.intent("pi_none")
    assert refused.value.code == "resource_missing"
    assert isinstance(refused.value.__cause__, sdk.InvalidRequestError)
    assert payments.payment("pay_none") is None
