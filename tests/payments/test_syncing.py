"""A payment kept in step with Stripe: whatever comes late, twice, in disorder or not at all."""

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


def test_a_paid_intent_is_news_once_with_what_came_in(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]
    assert driver.deliver_all() == []
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_events_in_any_order_and_twice_end_the_same(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], DECLINED)
    driver.confirm(opened["provider_id"])
    events = driver.stripe_events() * 2
    random.Random(7).shuffle(events)
    said = []
    for each in events:
        driver.post_event(each)
        driver.forward_inbox()
        driver.apply_events()
        said += driver.published_types()
    assert said == ["payment.succeeded"]
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_each_decline_is_news_and_leaves_the_payment_live(driver):
    driver.order()
    opened = driver.pay().json
    said = []
    for _ in range(2):
        driver.confirm(opened["provider_id"], DECLINED)
        said += driver.deliver_all()
    assert said == ["payment.failed", "payment.failed"]
    seen = driver.get(f"/payments/{opened['payment_id']}").json
    assert (seen["status"], seen["reason"]) == ("requires_payment", "generic_decline")
    assert driver.pay().json["client_secret"] == opened["client_secret"]
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]
    assert driver.get(f"/payments/{opened['payment_id']}").json["reason"] is None


def test_the_news_says_whose_and_how_much(driver):
    driver.order(total=4321)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    for each in driver.stripe_events():
        driver.post_event(each)
    driver.forward_inbox()
    for body in driver.queued_messages():
        apply.apply(sqs_event(body), Context())
    [said] = driver.published_events()
    event = read_event(said)
    assert isinstance(event, PaymentSucceeded)
    assert (event.data.amount, event.data.refunded) == (gbp(4321), gbp(0))
    assert (event.data.user_id, event.data.email) == ("usr_1", "ada@example.com")
    assert (event.subject, event.requestid is not None) == (opened["payment_id"], True)


def test_an_intent_made_elsewhere_is_ignored(driver):
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


def test_an_intent_cancelled_at_stripe_makes_room_for_another_payment(driver):
    driver.order()
    first = driver.pay().json
    driver.stripe.payment_intents.cancel(first["provider_id"])
    driver.deliver_all()
    assert driver.status(first["payment_id"]) == "cancelled"
    second = driver.pay().json
    assert second["payment_id"] != first["payment_id"]
    assert second["provider_id"] != first["provider_id"]


def test_an_earlier_look_never_overwrites_a_later_one(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"], DECLINED)
    real = stripe_gateway.intent
    looks = []

    def overtaken(intent_id):
        seen = real(intent_id)
        looks.append(seen.status)
        if len(looks) == 1:  # between this look and its write the card pays, and another worker books it
            driver.confirm(intent_id)
            syncing.sync_from_stripe(opened["payment_id"], clock.now())
        return seen

    monkeypatch.setattr(stripe_gateway, "intent", overtaken)
    syncing.sync_from_stripe(opened["payment_id"], clock.now())
    assert looks == ["requires_payment_method", "succeeded", "succeeded"]
    assert driver.status(opened["payment_id"]) == "succeeded"


def conflicting(monkeypatch, times):
    """Another transaction holds the payment's row, so often."""
    real, left = transaction, [ConcurrentUpdate()] * times

    @contextmanager
    def busy(model):
        if left:
            raise left.pop()
        with real(model) as writes:
            yield writes

    monkeypatch.setattr(payments, "transaction", busy)


def test_a_write_that_meets_anothers_transaction_is_made_again_at_once(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    conflicting(monkeypatch, syncing.TRIES - 1)
    assert syncing.sync_from_stripe(opened["payment_id"], clock.now()).status == "succeeded"
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_a_row_that_others_hold_all_the_time_is_left_for_later(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    conflicting(monkeypatch, syncing.TRIES)
    with pytest.raises(ConcurrentUpdate):
        syncing.sync_from_stripe(opened["payment_id"], clock.now())
    assert driver.status(opened["payment_id"]) == "requires_payment"


def test_a_wrong_api_key_is_ours_to_mend_and_loses_nothing(driver, monkeypatch):
    with monkeypatch.context() as wrong:
        wrong.setattr(secrets, "secret", lambda _: {"api_key": "nonsense"})
        driver.order()
        assert driver.pay(key="k").status == 503
    assert driver.pay(key="k").status == 201


def test_stripes_errors_are_told_apart(driver):
    with pytest.raises(stripe_gateway.StripeRefused) as refused:
        stripe_gateway.intent("pi_none")
    assert refused.value.code == "resource_missing"
    assert isinstance(refused.value.__cause__, sdk.InvalidRequestError)
    assert payments.payment("pay_none") is None
