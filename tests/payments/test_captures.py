"""Manual capture: authorized by the card, captured as fulfilments ship, voided if the order ends."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from payments import stripe_gateway
from payments.app import consume
from payments.service import captures
from payments.tables import payments
from shared.contracts.events.orders import OrderCancelled, OrderExpired
from shared.contracts.events.payments import PaymentCaptured, PaymentSucceeded
from shared.contracts.events.published import read_event
from tests.log_lines import metrics
from tests.payments.payments_driver import gbp
from tests.payments.samples import assert_ledger_matches, authorized_payment, intent_state
from tests.support import deliver

SINGLE_CAPTURE_CARD = "pm_card_credit_disableEnterpriseCardFeatures"

pytestmark = pytest.mark.usefixtures("manual")


def payment_state(driver, payment_id):
    payment = driver.payment(payment_id)
    return payment.status, payment.captures.captured, payment.authorization.capturable


def test_a_confirmed_card_is_authorized_and_the_event_has_the_secured_amount(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    for each in driver.new_events():
        driver.post_event(each)
    driver.apply_without_relay()
    [event] = driver.published_events()
    assert event["type"] == "payment.authorized"
    assert (event["data"]["secured"], event["data"]["captured"]) == (
        {"amount": 2000, "currency": "GBP"},
        {"amount": 0, "currency": "GBP"},
    )
    assert event["data"]["hold_until"] is not None
    seen = driver.get(f"/payments/{opened['payment_id']}").json
    assert (seen["status"], seen["held"]["amount"], seen["captured"]["amount"]) == ("authorized", 2000, 0)
    assert seen["hold_until"] == event["data"]["hold_until"]
    assert driver.deliver_all() == []
    assert driver.pay().status == 409, "it is already authorized"


def test_each_fulfilment_captures_the_amount_that_is_due(driver):
    payment_id, provider_id = authorized_payment(driver)
    driver.receive(driver.shipped(payment_id, 700))
    first = [read_event(event) for event in driver.published_events()]
    assert [type(event) for event in first] == [PaymentSucceeded, PaymentCaptured]
    assert first[1].data.captured == gbp(700)
    assert first[1].data.secured == gbp(2000)
    assert intent_state(driver, provider_id) == ("requires_capture", 700, 1300)
    driver.receive(driver.shipped(payment_id, 2000, fully_shipped=True))
    assert driver.published_types() == ["payment.captured"]
    assert intent_state(driver, provider_id) == ("succeeded", 2000, 0)
    assert driver.deliver_all() == []
    assert_ledger_matches(driver, payment_id)


def test_repeated_and_reordered_fulfilments_capture_the_due_amount_once(driver):
    payment_id, provider_id = authorized_payment(driver)
    first, last = driver.shipped(payment_id, 700), driver.shipped(payment_id, 1900, fully_shipped=True)
    driver.receive(last, first, last)
    driver.receive(first)
    assert intent_state(driver, provider_id) == ("succeeded", 1900, 0), "the remainder is released"
    assert driver.published_types().count("payment.captured") == 1


def test_without_multicapture_the_first_fulfilment_captures_everything(driver):
    payment_id, provider_id = authorized_payment(driver, SINGLE_CAPTURE_CARD)
    driver.receive(driver.shipped(payment_id, 700))
    assert intent_state(driver, provider_id) == ("succeeded", 2000, 0)
    driver.receive(driver.shipped(payment_id, 2000, fully_shipped=True))
    assert payment_state(driver, payment_id) == ("succeeded", 2000, 0)


def test_a_final_partial_capture_publishes_the_capture_and_the_void(driver):
    payment_id, provider_id = authorized_payment(driver, SINGLE_CAPTURE_CARD)
    assert driver.capture(payment_id, amount={"amount": 500, "currency": "GBP"}).status == 200
    assert intent_state(driver, provider_id) == ("succeeded", 500, 0)
    assert driver.published_types() == ["payment.succeeded", "payment.captured", "payment.voided"]


def test_concurrent_fulfilments_capture_no_more_than_is_due(driver):
    payment_id, provider_id = authorized_payment(driver)
    fulfilments = [driver.shipped(payment_id, due) for due in (300, 700, 700, 1100)]
    with ThreadPoolExecutor(4) as pool:
        failed = list(pool.map(lambda event: deliver(consume.consume, event), fulfilments))
    driver.receive(*(event for event, ids in zip(fulfilments, failed, strict=True) if ids))
    driver.sweep_later()
    assert intent_state(driver, provider_id) == ("requires_capture", 1100, 900)
    assert payment_state(driver, payment_id) == ("succeeded", 1100, 900)
    assert_ledger_matches(driver, payment_id)


@pytest.mark.parametrize("fault", [{"drop_after": True}, {"status": 500}], ids=str)
def test_a_fulfilment_whose_response_was_lost_is_captured_once(driver, monkeypatch, fault):
    monkeypatch.setattr(stripe_gateway, "RETRIES", 0)
    payment_id, provider_id = authorized_payment(driver)
    shipped = driver.shipped(payment_id, 700)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, **fault)
    assert deliver(consume.consume, shipped) == ["m0"]
    driver.receive(shipped)
    assert intent_state(driver, provider_id) == ("requires_capture", 700, 1300)
    assert driver.payment(payment_id).captures.captured == 700


def test_the_sweeper_captures_what_the_consumer_could_not(driver, monkeypatch):
    payment_id, provider_id = authorized_payment(driver)
    with monkeypatch.context() as patch:
        patch.setattr(captures, "capture_due", lambda *_: 1 / 0)
        assert deliver(consume.consume, driver.shipped(payment_id, 700)) == ["m0"]
    assert intent_state(driver, provider_id) == ("requires_capture", 0, 2000)
    assert driver.sweep_later() == ["payment.succeeded", "payment.captured"]
    assert intent_state(driver, provider_id) == ("requires_capture", 700, 1300)


def test_a_fulfilment_without_an_authorization_publishes_one_capture_failure(driver):
    payment_id, provider_id = authorized_payment(driver)
    driver.stripe.payment_intents.cancel(provider_id)
    driver.receive(driver.shipped(payment_id, 700), driver.shipped(payment_id, 700))
    assert driver.published_types() == ["payment.voided", "payment.capture_failed"]
    assert driver.get(f"/payments/{payment_id}").json["reason"] == "charge_expired_for_capture"
    assert driver.sweep_later() == []


def test_a_fulfilment_of_a_cancelled_order_publishes_one_capture_failure(driver, capsys):
    payment_id, _ = authorized_payment(driver)
    driver.receive(driver.order_ended(OrderCancelled))
    assert driver.published_types() == ["payment.voided"]
    driver.receive(driver.shipped(payment_id, 700), driver.shipped(payment_id, 700))
    assert driver.published_types() == ["payment.capture_failed"]
    assert metrics(capsys)["CapturesFailed"] == 1
    assert driver.sweep_later() == []


def test_a_fulfilment_captured_before_its_order_ended_is_not_a_failure(driver):
    payment_id, _ = authorized_payment(driver)
    driver.receive(driver.shipped(payment_id, 700), driver.order_ended(OrderCancelled))
    driver.published_types()
    driver.receive(driver.shipped(payment_id, 700))
    assert driver.published_types() == []


# Ended orders


@pytest.mark.parametrize("kind", [OrderCancelled, OrderExpired])
def test_an_ended_order_voids_the_authorization(driver, kind):
    payment_id, provider_id = authorized_payment(driver)
    driver.receive(driver.order_ended(kind))
    assert intent_state(driver, provider_id) == ("canceled", 0, 0)
    assert driver.published_types() == ["payment.voided"]
    assert payment_state(driver, payment_id) == ("cancelled", 0, 0)
    assert driver.deliver_all() == []


@pytest.mark.parametrize("first", ["cancellation", "refund"])
def test_a_refund_due_without_a_capture_voids_the_authorization(driver, first):
    payment_id, provider_id = authorized_payment(driver)
    events = [driver.order_ended(OrderCancelled), driver.refund_due(payment_id, 2000)]
    driver.receive(*(events if first == "cancellation" else reversed(events)))
    assert intent_state(driver, provider_id) == ("canceled", 0, 0)
    assert driver.refunds(payment_id) == []
    assert driver.published_types() == ["payment.voided"]


def test_a_capture_concurrent_with_the_void_is_refunded(driver, monkeypatch):
    payment_id, _ = authorized_payment(driver)
    real = stripe_gateway.cancel

    def capture_first(intent_id):
        driver.stripe.payment_intents.capture(intent_id)
        return real(intent_id)

    monkeypatch.setattr(stripe_gateway, "cancel", capture_first)
    driver.receive(driver.refund_due(payment_id, 2000))
    payment = driver.payment(payment_id)
    assert (payment.status, payment.captures.captured, payment.refunds.refunded) == ("refunded", 2000, 2000)


def test_an_ended_order_refunds_the_captured_part_and_voids_the_rest(driver):
    payment_id, provider_id = authorized_payment(driver)
    driver.capture(payment_id, amount={"amount": 500, "currency": "GBP"})
    driver.receive(driver.order_ended(OrderCancelled), driver.refund_due(payment_id, 2000))
    assert intent_state(driver, provider_id) == ("succeeded", 500, 0)
    payment = driver.payment(payment_id)
    assert (payment.status, payment.refunds.refunded, payment.authorization.capturable) == (
        "refunded",
        500,
        0,
    )
    assert_ledger_matches(driver, payment_id)


def test_a_refund_due_with_the_last_fulfilment_is_made_at_once(driver):
    payment_id, provider_id = authorized_payment(driver)
    driver.receive(driver.shipped(payment_id, 2000, fully_shipped=True), driver.refund_due(payment_id, 300))
    assert intent_state(driver, provider_id)[1] == 2000
    assert driver.payment(payment_id).refunds.refunded == 300


def test_an_authorization_after_the_order_ended_is_voided_without_an_event(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    driver.receive(driver.order_ended(OrderExpired))
    assert intent_state(driver, opened["provider_id"]) == ("canceled", 0, 0)
    assert driver.deliver_all() == []


# Staff


def test_staff_can_capture_a_part_and_then_the_remainder(driver):
    payment_id, provider_id = authorized_payment(driver)
    part = driver.capture(payment_id, amount={"amount": 500, "currency": "GBP"})
    assert (part.status, part.json["captured"]["amount"], part.json["held"]["amount"]) == (200, 500, 1500)
    too_much = driver.capture(payment_id, amount={"amount": 1501, "currency": "GBP"})
    assert (too_much.status, too_much.json["type"], too_much.json["left"]) == (
        409,
        "/problems/capture-too-large",
        {"amount": 1500, "currency": "GBP"},
    )
    assert too_much.json["detail"] == "The authorized amount is £15.00."
    assert driver.capture(payment_id).json["captured"]["amount"] == 2000
    nothing = driver.capture(payment_id)
    assert (nothing.status, nothing.json["type"]) == (409, "/problems/nothing-to-capture")
    assert intent_state(driver, provider_id) == ("succeeded", 2000, 0)
    assert driver.capture("pay_none").status == 404


def test_a_repeated_capture_after_a_crash_captures_once(driver, monkeypatch):
    payment_id, provider_id = authorized_payment(driver)
    real = stripe_gateway.capture

    def capture_then_die(*arguments):
        real(*arguments)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(stripe_gateway, "capture", capture_then_die)
        with pytest.raises(SystemExit):
            driver.capture(payment_id, key="k", amount={"amount": 500, "currency": "GBP"})
    again = driver.capture(payment_id, key="k", amount={"amount": 500, "currency": "GBP"})
    assert (again.status, again.json["captured"]["amount"]) == (200, 500)
    assert intent_state(driver, provider_id) == ("requires_capture", 500, 1500)


def test_a_staff_capture_is_rejected_if_the_order_ends_first(driver, monkeypatch):
    payment_id, provider_id = authorized_payment(driver)
    real = captures._send

    def end_order_first(*arguments):
        monkeypatch.setattr(captures, "_send", real)
        driver.receive(driver.order_ended(OrderCancelled))
        return real(*arguments)

    monkeypatch.setattr(captures, "_send", end_order_first)
    rejected = driver.capture(payment_id)
    assert (rejected.status, rejected.json["type"]) == (409, "/problems/nothing-to-capture")
    assert intent_state(driver, provider_id) == ("canceled", 0, 0)


def test_nothing_is_captured_after_a_cancellation_was_requested(driver, monkeypatch):
    payment_id, provider_id = authorized_payment(driver)
    cancelled = replace(driver.payment(payment_id), cancel_requested=True)
    assert payments.write(driver.payment(payment_id), cancelled, driver.now())
    monkeypatch.setattr(stripe_gateway, "cancel", stripe_gateway.intent)  # keeps the authorization open
    rejected = driver.capture(payment_id)
    assert (rejected.status, rejected.json["type"]) == (409, "/problems/nothing-to-capture")
    assert driver.payment(payment_id).captures.request_ids == ()
    assert intent_state(driver, provider_id) == ("requires_capture", 0, 2000)


def test_a_repeated_capture_after_the_order_ended_returns_the_first_result(driver):
    payment_id, _ = authorized_payment(driver)
    assert driver.capture(payment_id, key="k", amount={"amount": 700, "currency": "GBP"}).status == 200
    driver.receive(driver.order_ended(OrderCancelled))
    again = captures.capture(
        payment_id, driver.payment(payment_id).captures.request_ids[0], gbp(700), driver.now()
    )
    assert (again.captures.captured, again.authorization.capturable) == (700, 0)


def test_concurrent_staff_captures_never_exceed_the_authorization(driver):
    payment_id, provider_id = authorized_payment(driver)
    with ThreadPoolExecutor(5) as pool:
        responses = list(
            pool.map(
                lambda _: driver.capture(payment_id, amount={"amount": 700, "currency": "GBP"}), range(5)
            )
        )
    assert {response.status for response in responses} <= {200, 409, 503}
    driver.sweep_later()
    captured = intent_state(driver, provider_id)[1]
    assert captured % 700 == 0 and captured <= 2000
    assert driver.payment(payment_id).captures.captured == captured
