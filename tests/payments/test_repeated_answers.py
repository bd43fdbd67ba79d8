"""Answers that Stripe repeats under an idempotency key for a day, including failures."""

import pytest

from payments.app import consume
from tests.payments.samples import authorized_payment as held
from tests.payments.test_captures import at_stripe
from tests.payments.test_checkout import intents
from tests.payments.test_refunds_and_disputes import at_stripe as refunds_at_stripe
from tests.payments.test_refunds_and_disputes import paid
from tests.support import deliver

PART = {"amount": 700, "currency": "GBP"}


@pytest.mark.parametrize(
    ("path", "choice"),
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
def test_a_repeated_failure_of_stripe_does_not_block_the_next_payment(driver, once_only, path, choice):
    driver.order()
    driver.break_stripe(path=path, method="POST", times=1, status=500, kept=True)
    failed = driver.pay(key="k", **choice)
    assert (failed.status, failed.json["type"]) == (503, "/problems/stripe-unavailable")
    again = driver.pay(key="k", **choice)
    assert again.status == 201
    statuses = {
        each["payment_id"]: each["status"] for each in driver.get("/payments?order_id=ord_1").json["items"]
    }
    assert statuses.pop(again.json["payment_id"]) == "requires_payment"
    assert [*statuses.values()] == ["cancelled"]
    assert driver.published_types() == [], "no event is published"


def test_an_intent_created_despite_a_failure_is_cancelled_by_its_webhook(driver, once_only):
    driver.order()
    driver.break_stripe(path="/v1/payment_intents", method="POST", times=1, status=500, kept=True)
    driver.pay()
    [given_up] = driver.get("/payments?order_id=ord_1").json["items"]
    metadata = {"order_id": "ord_1", "payment_id": given_up["payment_id"]}
    made = driver.stripe.payment_intents.create({"amount": 2000, "currency": "gbp", "metadata": metadata})
    opened = driver.pay().json
    assert driver.deliver_all() == []
    assert {each.id: each.status for each in intents(driver)} == {
        made.id: "canceled",
        opened["provider_id"]: "requires_payment_method",
    }


@pytest.mark.parametrize("fault", [{"status": 429}, {"drop_after": True}], ids=str)
def test_a_payment_without_a_failure_response_stays_active(driver, once_only, fault):
    driver.order()
    driver.break_stripe(path="/v1/payment_intents", method="POST", times=1, **fault)
    assert driver.pay().status == 503
    assert driver.pay().status == 201
    assert len(driver.get("/payments?order_id=ord_1").json["items"]) == 1


@pytest.mark.usefixtures("manual")
def test_a_refused_capture_can_be_requested_again(driver):
    payment_id, provider_id = held(driver)
    capture = {"path": "/v1/payment_intents/*/capture", "method": "POST"}
    driver.break_stripe(**capture, times=1, status=402, code="processing_error", kept=True)
    refused = driver.capture(payment_id, amount=PART)
    assert (refused.status, refused.json["type"]) == (409, "/problems/capture-refused")
    assert driver.capture(payment_id, amount=PART).json["captured"] == PART
    assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300)
    assert driver.get(f"/payments/{payment_id}").json["reason"] is None


@pytest.mark.usefixtures("manual")
def test_a_refused_partial_capture_can_be_requested_as_final(driver):
    payment_id, provider_id = held(driver)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, status=402, kept=True)
    assert driver.capture(payment_id, amount=PART).status == 409
    driver.receive(driver.shipped(payment_id, 700, fully_shipped=True))
    assert at_stripe(driver, provider_id) == ("succeeded", 700, 0)


@pytest.mark.usefixtures("manual")
def test_a_repeated_failure_of_stripe_does_not_block_a_capture(driver, once_only):
    payment_id, provider_id = held(driver)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, status=500, kept=True)
    fulfilment = driver.shipped(payment_id, 700)
    assert deliver(consume.consume, fulfilment) == ["m0"], "the first failure"
    assert deliver(consume.consume, fulfilment) == ["m0"], "the failure that Stripe repeats"
    driver.receive(fulfilment)
    assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300)
    assert driver.payment(payment_id).captures.captured == 700


@pytest.mark.usefixtures("manual")
def test_a_capture_that_succeeded_despite_a_failure_is_not_repeated(driver, once_only):
    payment_id, provider_id = held(driver)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, status=500, kept=True)
    fulfilment = driver.shipped(payment_id, 700)
    for _ in range(2):
        assert deliver(consume.consume, fulfilment) == ["m0"]
    driver.stripe.payment_intents.capture(provider_id, {"amount_to_capture": 700, "final_capture": False})
    driver.receive(fulfilment)
    assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300)


def test_a_refund_with_a_repeated_failure_waits_and_is_sent_once(driver, once_only):
    payment_id, provider_id = paid(driver)
    driver.break_stripe(path="/v1/refunds", method="POST", times=1, status=500, kept=True)
    for _ in range(2):
        assert (
            driver.create_refund(payment_id, key="k", amount={"amount": 700, "currency": "GBP"}).status == 503
        )
    driver.sweep_later()
    assert refunds_at_stripe(driver, provider_id) == [], "another key might refund twice"
    driver.advance(hours=25)
    assert driver.sweep() == ["payment.refunded"]
    assert refunds_at_stripe(driver, provider_id) == [700]
