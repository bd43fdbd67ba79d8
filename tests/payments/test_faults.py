"""Faults of Stripe: slow, unavailable, rate-limited, or with a lost response; no call waits without limit."""

import time
from typing import Any

import pytest

from payments import stripe_gateway
from payments.app import consume
from shared.contracts.events import OrderCancelled
from tests.payments.samples import authorized_payment
from tests.payments.test_captures import at_stripe
from tests.payments.test_refunds_and_disputes import at_stripe as refunds_at_stripe
from tests.payments.test_refunds_and_disputes import paid
from tests.support import deliver

BAD_DAYS: list[dict[str, Any]] = [
    {"status": 500},
    {"status": 503},
    {"status": 429},
    {"drop_after": True},
    {"latency": 0.6},
]
CALLS = [
    ("pay", "POST", "/v1/payment_intents"),
    ("refund", "POST", "/v1/refunds"),
    ("refund", "GET", "/v1/payment_intents/*"),
    ("refund", "GET", "/v1/refunds"),
    ("cancel", "POST", "/v1/payment_intents/*/cancel"),
]


@pytest.fixture
def hurried(monkeypatch):
    """Use shorter timeouts and no retries."""
    monkeypatch.setattr(stripe_gateway, "TIMEOUT", (0.3, 0.3))
    monkeypatch.setattr(stripe_gateway, "RETRIES", 0)
    stripe_gateway._client.cache_clear()
    yield
    stripe_gateway._client.cache_clear()


@pytest.mark.parametrize(("what", "method", "path"), CALLS)
def test_each_call_recovers_from_one_failure(driver, hurried, what, method, path):
    for number, fault in enumerate(BAD_DAYS):
        order_id = f"ord_{number}"
        driver.order(order_id)
        opened = {} if what == "pay" else driver.pay(order_id).json
        if what == "refund":
            driver.confirm(opened["provider_id"])
            driver.deliver_all()
        driver.break_stripe(path=path, method=method, times=1, **fault)
        if what == "pay":
            assert driver.pay(order_id, key=order_id).status == 503, fault
            assert driver.pay(order_id, key=order_id).status == 201, fault
            continue
        event = driver.order_ended(OrderCancelled, order_id)
        if what == "refund":
            event = driver.refund_due(opened["payment_id"], 700, order_id=order_id)
        assert deliver(consume.consume, event) == ["m0"], fault
        driver.receive(event)
        if what == "refund":
            assert refunds_at_stripe(driver, opened["provider_id"]) == [700], fault
        else:
            assert at_stripe(driver, opened["provider_id"])[0] == "canceled", fault
    assert len(driver.stripe.payment_intents.list({"limit": 100}).data) == len(BAD_DAYS)


@pytest.mark.parametrize("fault", BAD_DAYS, ids=str)
def test_a_capture_recovers_from_one_failure(driver, manual, hurried, fault):
    payment_id, provider_id = authorized_payment(driver)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, **fault)
    fulfilment = driver.shipped(payment_id, 700)
    assert deliver(consume.consume, fulfilment) == ["m0"]
    driver.receive(fulfilment)
    assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300)


def test_a_call_that_exceeds_the_deadline_is_not_made(driver, monkeypatch):
    payment_id, provider_id = paid(driver)
    monkeypatch.setattr(stripe_gateway, "STRIPE_DEADLINE", 7.9)  # one try may take 8 seconds
    refused = driver.create_refund(payment_id)
    assert (refused.status, refused.json["type"]) == (503, "/problems/stripe-unavailable")
    assert refunds_at_stripe(driver, provider_id) == []
    monkeypatch.setattr(stripe_gateway, "STRIPE_DEADLINE", 22.0)
    assert driver.create_refund(payment_id).status == 201


def test_calls_to_a_slow_stripe_end_within_the_deadline(driver, monkeypatch):
    payment_id, _ = paid(driver)
    monkeypatch.setattr(stripe_gateway, "TIMEOUT", (0.2, 0.3))
    monkeypatch.setattr(stripe_gateway, "STRIPE_DEADLINE", 1.2)
    stripe_gateway._client.cache_clear()
    driver.break_stripe(path="/v1/*", times=50, latency=0.5)
    began = time.monotonic()
    assert driver.create_refund(payment_id).status == 503
    assert time.monotonic() - began < 1.2 + 1.0
    stripe_gateway._client.cache_clear()


def test_all_tries_fit_into_a_requests_time():
    one_try, pause = sum(stripe_gateway.TIMEOUT), 0.5
    tries = int(stripe_gateway.STRIPE_DEADLINE // one_try)
    # The first slow call uses all its tries; at most one more call with one try follows.
    assert tries * one_try + (tries - 1) * pause + (stripe_gateway.STRIPE_DEADLINE - tries * one_try) < 29 - 5
