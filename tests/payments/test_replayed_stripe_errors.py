"""Errors that Stripe replays under an idempotency key for a day: they neither block nor repeat anything."""

import pytest

from payments.app import consume
from tests.payments.samples import authorized_payment, intent_state, paid_payment, refund_amounts
from tests.payments.test_checkout import intents
from tests.support import deliver

PART = {"amount": 700, "currency": "GBP"}


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/payment_intents", {}),
        (
            "/v1/checkout/sessions",
            {
                "method": "checkout_session",
                "success_url": "https://shop.example/ok",
                "cancel_url": "https://shop.example/no",
            },
        ),
    ],
)
def test_an_order_can_be_paid_although_stripe_replays_an_error(driver, no_retries, path, fields):
    driver.order()
    driver.break_stripe(path=path, method="POST", times=1, status=500, kept=True)
    failed = driver.pay(key="k", **fields)
    assert (failed.status, failed.json["type"]) == (503, "/problems/stripe-unavailable")
    again = driver.pay(key="k", **fields)
    assert again.status == 201
    statuses = {
        each["payment_id"]: each["status"] for each in driver.get("/payments?order_id=ord_1").json["items"]
    }
    assert statuses.pop(again.json["payment_id"]) == "requires_payment"
    assert [*statuses.values()] == ["cancelled"]
    assert driver.published_types() == [], "the shopper is not notified"


def test_an_intent_created_despite_an_error_is_cancelled(driver, reconciliation, no_retries):
    driver.order()
    driver.break_stripe(path="/v1/payment_intents", method="POST", times=1, status=500, kept=True)
    driver.pay()
    [cancelled] = driver.get("/payments?order_id=ord_1").json["items"]
    metadata = {"order_id": "ord_1", "payment_id": cancelled["payment_id"]}
    created = driver.stripe.payment_intents.create({"amount": 2000, "currency": "gbp", "metadata": metadata})
    opened = driver.pay().json
    assert reconciliation.run_later() == [("never_heard", "cancel", True)]
    assert {each.id: each.status for each in intents(driver)} == {
        created.id: "canceled",
        opened["provider_id"]: "requires_payment_method",
    }


@pytest.mark.parametrize("fault", [{"status": 429}, {"drop_after": True}], ids=str)
def test_a_payment_without_a_definite_stripe_error_stays_open(driver, no_retries, fault):
    driver.order()
    driver.break_stripe(path="/v1/payment_intents", method="POST", times=1, **fault)
    assert driver.pay().status == 503
    assert driver.pay().status == 201
    assert len(driver.get("/payments?order_id=ord_1").json["items"]) == 1


@pytest.mark.usefixtures("manual")
def test_a_refused_capture_can_be_requested_again(driver):
    payment_id, provider_id = authorized_payment(driver)
    capture = {"path": "/v1/payment_intents/*/capture", "method": "POST"}
    driver.break_stripe(**capture, times=1, status=402, code="processing_error", kept=True)
    rejected = driver.capture(payment_id, amount=PART)
    assert (rejected.status, rejected.json["type"]) == (409, "/problems/capture-refused")
    assert driver.capture(payment_id, amount=PART).json["captured"] == PART
    assert intent_state(driver, provider_id) == ("requires_capture", 700, 1300)
    assert driver.get(f"/payments/{payment_id}").json["reason"] is None


@pytest.mark.usefixtures("manual")
def test_a_refused_partial_capture_can_be_repeated_as_the_final_one(driver):
    payment_id, provider_id = authorized_payment(driver)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, status=402, kept=True)
    assert driver.capture(payment_id, amount=PART).status == 409
    driver.receive(driver.shipped(payment_id, 700, fully_shipped=True))
    assert intent_state(driver, provider_id) == ("succeeded", 700, 0)


@pytest.mark.usefixtures("manual")
def test_a_fulfilment_is_captured_although_stripe_replays_an_error(driver, no_retries):
    payment_id, provider_id = authorized_payment(driver)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, status=500, kept=True)
    shipped = driver.shipped(payment_id, 700)
    assert deliver(consume.consume, shipped) == ["m0"], "the capture failed"
    assert deliver(consume.consume, shipped) == ["m0"], "the error is recognized as replayed"
    driver.receive(shipped)
    assert intent_state(driver, provider_id) == ("requires_capture", 700, 1300)
    assert driver.payment(payment_id).captures.captured == 700


@pytest.mark.usefixtures("manual")
def test_a_capture_made_despite_an_error_is_not_repeated(driver, no_retries):
    payment_id, provider_id = authorized_payment(driver)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, status=500, kept=True)
    shipped = driver.shipped(payment_id, 700)
    for _ in range(2):
        assert deliver(consume.consume, shipped) == ["m0"]
    driver.stripe.payment_intents.capture(provider_id, {"amount_to_capture": 700, "final_capture": False})
    driver.receive(shipped)
    assert intent_state(driver, provider_id) == ("requires_capture", 700, 1300)


def test_a_failed_refund_is_repeated_once_its_stripe_key_has_expired(driver, no_retries):
    payment_id, provider_id = paid_payment(driver)
    driver.break_stripe(path="/v1/refunds", method="POST", times=1, status=500, kept=True)
    for _ in range(2):
        assert driver.create_refund(payment_id, key="k", amount=PART).status == 503
    driver.sweep_later()
    assert refund_amounts(driver, provider_id) == [], "another key could refund twice"
    driver.advance(hours=25)
    assert driver.sweep() == ["payment.refunded"]
    assert refund_amounts(driver, provider_id) == [700]
