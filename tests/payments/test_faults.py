"""Faults of Stripe: every failed call can be repeated, and no call outlasts the deadline."""

import time
from typing import Any

import pytest

from payments import stripe_gateway
from payments.app import consume
from shared.contracts.events.orders import OrderCancelled
from tests.payments.samples import authorized_payment, intent_state, paid_payment, refund_amounts
from tests.support import deliver

FAULTS: list[dict[str, Any]] = [
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
    ("cancel", "POST", "/v1/payment_intents/*/cancel"),
]


def failures(fault: dict[str, Any]) -> list[str]:
    """Return the batch's failures: a message that meets the rate limit is sent again instead."""
    return [] if fault.get("status") == 429 else ["m0"]


@pytest.fixture
def short_timeouts(monkeypatch):
    """Shorten the timeouts of Stripe calls and disable the retries."""
    monkeypatch.setattr(stripe_gateway, "CONNECT_TIMEOUT", 0.3)
    monkeypatch.setattr(stripe_gateway, "READ_TIMEOUT", 0.3)
    monkeypatch.setattr(stripe_gateway, "RETRIES", 0)
    stripe_gateway._client.cache_clear()
    yield
    stripe_gateway._client.cache_clear()


@pytest.mark.parametrize(("action", "method", "path"), CALLS)
def test_a_call_that_fails_once_succeeds_when_repeated(driver, short_timeouts, action, method, path):
    for number, fault in enumerate(FAULTS):
        order_id = f"ord_{number}"
        driver.order(order_id)
        opened = {} if action == "pay" else driver.pay(order_id).json
        if action == "refund":
            driver.confirm(opened["provider_id"])
            driver.deliver_all()
        driver.break_stripe(path=path, method=method, times=1, **fault)
        if action == "pay":
            assert driver.pay(order_id, key=order_id).status == 503, fault
            assert driver.pay(order_id, key=order_id).status == 201, fault
            continue
        event = driver.order_ended(OrderCancelled, order_id)
        if action == "refund":
            event = driver.refund_due(opened["payment_id"], 700, order_id=order_id)
        assert deliver(consume.consume, event) == failures(fault), fault
        driver.receive(event)
        if action == "refund":
            assert refund_amounts(driver, opened["provider_id"]) == [700], fault
        else:
            assert intent_state(driver, opened["provider_id"])[0] == "canceled", fault
    assert len(driver.stripe.payment_intents.list({"limit": 100}).data) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_capture_that_fails_once_succeeds_when_repeated(driver, manual, short_timeouts, fault):
    payment_id, provider_id = authorized_payment(driver)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, **fault)
    shipped = driver.shipped(payment_id, 700)
    assert deliver(consume.consume, shipped) == failures(fault)
    driver.receive(shipped)
    assert intent_state(driver, provider_id) == ("requires_capture", 700, 1300)


def test_a_call_does_not_start_without_time_for_one_try(driver, monkeypatch):
    payment_id, provider_id = paid_payment(driver)
    monkeypatch.setattr(stripe_gateway, "STRIPE_DEADLINE", 7.9)  # one try may take 8 seconds
    rejected = driver.create_refund(payment_id)
    assert (rejected.status, rejected.json["type"]) == (503, "/problems/stripe-unavailable")
    assert refund_amounts(driver, provider_id) == []
    monkeypatch.setattr(stripe_gateway, "STRIPE_DEADLINE", 22.0)
    assert driver.create_refund(payment_id).status == 201


def test_a_slow_stripe_delays_a_request_by_no_more_than_the_deadline(driver, monkeypatch):
    payment_id, _ = paid_payment(driver)
    monkeypatch.setattr(stripe_gateway, "CONNECT_TIMEOUT", 0.2)
    monkeypatch.setattr(stripe_gateway, "READ_TIMEOUT", 0.3)
    monkeypatch.setattr(stripe_gateway, "STRIPE_DEADLINE", 1.2)
    stripe_gateway._client.cache_clear()
    driver.break_stripe(path="/v1/*", times=50, latency=0.5)
    started_at = time.monotonic()
    assert driver.create_refund(payment_id).status == 503
    assert time.monotonic() - started_at < 1.2 + 1.0
    stripe_gateway._client.cache_clear()


def test_all_tries_fit_into_the_timeout_of_a_request():
    one_try, pause = stripe_gateway.CONNECT_TIMEOUT + stripe_gateway.READ_TIMEOUT, 0.5
    tries = int(stripe_gateway.STRIPE_DEADLINE // one_try)
    # The first slow call uses all its tries; after it, at most one more call starts, with one try.
    assert tries * one_try + (tries - 1) * pause + (stripe_gateway.STRIPE_DEADLINE - tries * one_try) < 29 - 5
