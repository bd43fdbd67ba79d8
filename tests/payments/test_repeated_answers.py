"""Answers that Stripe keeps under a key for a day, its failures too: got past, and nothing happens twice."""

import pytest

from payments.app import consume
from tests.payments.samples import authorized_payment as held
from tests.payments.test_captures import at_stripe
from tests.payments.test_checkout import intents
from tests.payments.test_refunds_and_disputes import at_stripe as given_back
from tests.payments.test_refunds_and_disputes import paid
from tests.support import deliver

PART = {"amount": 700, "currency": "GBP"}


@pytest.mark.parametrize(
    ("path", "wish"),
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
def test_a_failure_that_stripe_keeps_under_its_key_does_not_close_the_order_to_payment(
    driver, once_only, path, wish
):
    driver.order()
    driver.break_stripe(path=path, method="POST", times=1, status=500, kept=True)
    failed = driver.pay(key="k", **wish)
    assert (failed.status, failed.json["type"]) == (503, "/problems/stripe-unavailable")
    again = driver.pay(key="k", **wish)
    assert again.status == 201
    statuses = {
        each["payment_id"]: each["status"] for each in driver.get("/payments?order_id=ord_1").json["items"]
    }
    assert statuses.pop(again.json["payment_id"]) == "requires_payment"
    assert [*statuses.values()] == ["cancelled"]
    assert driver.published_types() == [], "nobody is written to about it"


def test_an_intent_that_came_about_though_stripe_said_it_failed_is_cancelled_by_its_first_webhook(
    driver, once_only
):
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
def test_a_payment_of_which_stripe_did_not_say_that_it_failed_stays_the_live_one(driver, once_only, fault):
    driver.order()
    driver.break_stripe(path="/v1/payment_intents", method="POST", times=1, **fault)
    assert driver.pay().status == 503
    assert driver.pay().status == 201
    assert len(driver.get("/payments?order_id=ord_1").json["items"]) == 1


@pytest.mark.usefixtures("manual")
def test_a_capture_that_was_refused_may_be_asked_for_again(driver):
    payment_id, provider_id = held(driver)
    capture = {"path": "/v1/payment_intents/*/capture", "method": "POST"}
    driver.break_stripe(**capture, times=1, status=402, code="processing_error", kept=True)
    refused = driver.capture(payment_id, amount=PART)
    assert (refused.status, refused.json["type"]) == (409, "/problems/capture-refused")
    assert driver.capture(payment_id, amount=PART).json["captured"] == PART
    assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300)
    assert driver.get(f"/payments/{payment_id}").json["reason"] is None


@pytest.mark.usefixtures("manual")
def test_a_refused_part_may_be_asked_for_again_as_the_last(driver):
    payment_id, provider_id = held(driver)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, status=402, kept=True)
    assert driver.capture(payment_id, amount=PART).status == 409
    driver.receive(driver.shipped(payment_id, 700, fully_shipped=True))
    assert at_stripe(driver, provider_id) == ("succeeded", 700, 0)


@pytest.mark.usefixtures("manual")
def test_a_failure_that_stripe_keeps_under_its_key_does_not_cost_a_parcel_its_money(driver, once_only):
    payment_id, provider_id = held(driver)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, status=500, kept=True)
    parcel = driver.shipped(payment_id, 700)
    assert deliver(consume.consume, parcel) == ["m0"], "it failed"
    assert deliver(consume.consume, parcel) == ["m0"], "and is known to be what Stripe keeps"
    driver.receive(parcel)
    assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300)
    assert driver.payment(payment_id).captures.captured == 700


@pytest.mark.usefixtures("manual")
def test_a_capture_that_came_about_though_stripe_said_it_failed_is_not_made_again(driver, once_only):
    payment_id, provider_id = held(driver)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, status=500, kept=True)
    parcel = driver.shipped(payment_id, 700)
    for _ in range(2):
        assert deliver(consume.consume, parcel) == ["m0"]
    driver.stripe.payment_intents.capture(provider_id, {"amount_to_capture": 700, "final_capture": False})
    driver.receive(parcel)
    assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300)


def test_a_refund_that_stripe_says_failed_waits_until_it_forgets_that_and_is_given_once(driver, once_only):
    payment_id, provider_id = paid(driver)
    driver.break_stripe(path="/v1/refunds", method="POST", times=1, status=500, kept=True)
    for _ in range(2):
        assert (
            driver.create_refund(payment_id, key="k", amount={"amount": 700, "currency": "GBP"}).status == 503
        )
    driver.sweep_later()
    assert given_back(driver, provider_id) == [], "another key might give it twice"
    driver.advance(hours=25)
    assert driver.sweep() == ["payment.refunded"]
    assert given_back(driver, provider_id) == [700]
