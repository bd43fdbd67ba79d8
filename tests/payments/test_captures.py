"""Manual capture: held as the card agrees, taken as goods leave, let go of when nobody wants it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from payments import stripe_gateway
from payments.app import consume
from payments.service import captures
from payments.tables import payments
from shared.contracts.events import (
    OrderCancelled,
    OrderExpired,
    PaymentCaptured,
    PaymentSucceeded,
    read_event,
)
from tests.payments.payments_driver import gbp
from tests.payments.samples import authorized_payment as held
from tests.payments.test_refunds_and_disputes import assert_the_books_are_right
from tests.support import deliver

ONCE_ONLY = "pm_card_credit_disableEnterpriseCardFeatures"

pytestmark = pytest.mark.usefixtures("manual")


def at_stripe(driver, provider_id):
    intent = driver.stripe.payment_intents.retrieve(provider_id)
    return intent.status, intent.amount_received, intent.amount_capturable


def sums(driver, payment_id):
    payment = driver.payment(payment_id)
    return payment.status, payment.captures.captured, payment.authorization.capturable


def test_a_card_that_agrees_is_held_and_told_with_what_is_secured(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    for event in driver.new_events():
        driver.post_event(event)
    driver.forward_inbox()
    driver.apply_without_relay()
    [said] = driver.published_events()
    assert said["type"] == "payment.authorized"
    assert (said["data"]["secured"], said["data"]["captured"]) == (
        {"amount": 2000, "currency": "GBP"},
        {"amount": 0, "currency": "GBP"},
    )
    assert said["data"]["capture_before"] is not None
    seen = driver.get(f"/payments/{opened['payment_id']}").json
    assert (seen["status"], seen["held"]["amount"], seen["captured"]["amount"]) == ("authorized", 2000, 0)
    assert driver.deliver_all() == []
    assert driver.pay().status == 409, "it is held already"


def test_each_parcel_takes_what_is_due_for_it(driver):
    payment_id, provider_id = held(driver)
    driver.receive(driver.shipped(payment_id, 700))
    first = [read_event(event) for event in driver.published_events()]
    assert [type(event) for event in first] == [PaymentSucceeded, PaymentCaptured]
    assert first[1].data.captured == gbp(700)
    assert first[1].data.secured == gbp(2000)
    assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300)
    driver.receive(driver.shipped(payment_id, 2000, fully_shipped=True))
    assert driver.published_types() == ["payment.captured"]
    assert at_stripe(driver, provider_id) == ("succeeded", 2000, 0)
    assert driver.deliver_all() == []
    assert_the_books_are_right(driver, payment_id)


def test_parcels_told_twice_late_and_out_of_order_take_what_is_due_once(driver):
    payment_id, provider_id = held(driver)
    first, last = driver.shipped(payment_id, 700), driver.shipped(payment_id, 1900, fully_shipped=True)
    driver.receive(last, first, last)
    driver.receive(first)
    assert at_stripe(driver, provider_id) == ("succeeded", 1900, 0), "what was not due is let go"
    assert driver.published_types().count("payment.captured") == 1


def test_a_card_that_cannot_be_captured_twice_gives_all_with_the_first_parcel(driver):
    payment_id, provider_id = held(driver, ONCE_ONLY)
    driver.receive(driver.shipped(payment_id, 700))
    assert at_stripe(driver, provider_id) == ("succeeded", 2000, 0)
    driver.receive(driver.shipped(payment_id, 2000, fully_shipped=True))
    assert sums(driver, payment_id) == ("succeeded", 2000, 0)


def test_a_part_that_lets_the_rest_go_in_the_same_look_is_told_as_both(driver):
    payment_id, provider_id = held(driver, ONCE_ONLY)
    assert driver.capture(payment_id, amount={"amount": 500, "currency": "GBP"}).status == 200
    assert at_stripe(driver, provider_id) == ("succeeded", 500, 0)
    assert driver.published_types() == ["payment.succeeded", "payment.captured", "payment.voided"]


def test_parcels_heard_at_once_take_no_more_than_is_due(driver):
    payment_id, provider_id = held(driver)
    parcels = [driver.shipped(payment_id, due) for due in (300, 700, 700, 1100)]
    with ThreadPoolExecutor(4) as pool:
        failed = list(pool.map(lambda parcel: deliver(consume.consume, parcel), parcels))
    driver.receive(*(parcel for parcel, ids in zip(parcels, failed, strict=True) if ids))
    driver.sweep_later()
    assert at_stripe(driver, provider_id) == ("requires_capture", 1100, 900)
    assert sums(driver, payment_id) == ("succeeded", 1100, 900)
    assert_the_books_are_right(driver, payment_id)


@pytest.mark.parametrize("fault", [{"drop_after": True}, {"status": 500}], ids=str)
def test_an_answer_that_was_lost_takes_nothing_twice(driver, monkeypatch, fault):
    monkeypatch.setattr(stripe_gateway, "RETRIES", 0)
    payment_id, provider_id = held(driver)
    parcel = driver.shipped(payment_id, 700)
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, **fault)
    assert deliver(consume.consume, parcel) == ["m0"]
    driver.receive(parcel)
    assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300)
    assert driver.payment(payment_id).captures.captured == 700


def test_what_the_queue_gave_up_on_the_sweeper_takes(driver, monkeypatch):
    payment_id, provider_id = held(driver)
    with monkeypatch.context() as dying:
        dying.setattr(captures, "capture_due", lambda *_: 1 / 0)
        assert deliver(consume.consume, driver.shipped(payment_id, 700)) == ["m0"]
    assert at_stripe(driver, provider_id) == ("requires_capture", 0, 2000)
    assert driver.sweep_later() == ["payment.succeeded", "payment.captured"]
    assert at_stripe(driver, provider_id) == ("requires_capture", 700, 1300)


def test_a_hold_that_is_gone_when_goods_leave_is_told_once(driver):
    payment_id, provider_id = held(driver)
    driver.stripe.payment_intents.cancel(provider_id)
    driver.receive(driver.shipped(payment_id, 700), driver.shipped(payment_id, 700))
    assert driver.published_types() == ["payment.voided", "payment.capture_failed"]
    assert driver.get(f"/payments/{payment_id}").json["reason"] == "charge_expired_for_capture"
    assert driver.sweep_later() == []


def test_goods_that_leave_though_their_hold_was_let_go_of_are_told_once(driver, capsys):
    payment_id, _ = held(driver)
    driver.receive(driver.order_ended(OrderCancelled))
    assert driver.published_types() == ["payment.voided"]
    driver.receive(driver.shipped(payment_id, 700), driver.shipped(payment_id, 700))
    assert driver.published_types() == ["payment.capture_failed"]
    assert capsys.readouterr().out.count('"CapturesFailed":[') == 1
    assert driver.sweep_later() == []


def test_a_parcel_that_was_paid_for_before_its_order_ended_is_no_failure(driver):
    payment_id, _ = held(driver)
    driver.receive(driver.shipped(payment_id, 700), driver.order_ended(OrderCancelled))
    driver.published_types()
    driver.receive(driver.shipped(payment_id, 700))
    assert driver.published_types() == []


# Orders that end


@pytest.mark.parametrize("kind", [OrderCancelled, OrderExpired])
def test_an_order_that_ends_lets_go_of_the_hold(driver, kind):
    payment_id, provider_id = held(driver)
    driver.receive(driver.order_ended(kind))
    assert at_stripe(driver, provider_id) == ("canceled", 0, 0)
    assert driver.published_types() == ["payment.voided"]
    assert sums(driver, payment_id) == ("cancelled", 0, 0)
    assert driver.deliver_all() == []


@pytest.mark.parametrize("first", ["the end", "the refund"])
def test_a_refund_that_is_due_of_a_hold_is_the_letting_go_of_it(driver, first):
    payment_id, provider_id = held(driver)
    news = [driver.order_ended(OrderCancelled), driver.refund_due(payment_id, 2000)]
    driver.receive(*(news if first == "the end" else reversed(news)))
    assert at_stripe(driver, provider_id) == ("canceled", 0, 0)
    assert driver.refunds(payment_id) == []
    assert driver.published_types() == ["payment.voided"]


def test_a_capture_that_overtakes_the_letting_go_is_given_back(driver, monkeypatch):
    payment_id, _ = held(driver)
    real = stripe_gateway.cancel

    def overtaken(intent_id):
        driver.stripe.payment_intents.capture(intent_id)
        return real(intent_id)

    monkeypatch.setattr(stripe_gateway, "cancel", overtaken)
    driver.receive(driver.refund_due(payment_id, 2000))
    payment = driver.payment(payment_id)
    assert (payment.status, payment.captures.captured, payment.refunds.refunded) == ("refunded", 2000, 2000)


def test_an_order_that_ends_after_a_part_was_captured_keeps_the_part_and_lets_go_of_the_rest(driver):
    payment_id, provider_id = held(driver)
    driver.capture(payment_id, amount={"amount": 500, "currency": "GBP"})
    driver.receive(driver.order_ended(OrderCancelled), driver.refund_due(payment_id, 2000))
    assert at_stripe(driver, provider_id) == ("succeeded", 500, 0)
    held_now = driver.payment(payment_id)
    assert (held_now.status, held_now.refunds.refunded, held_now.authorization.capturable) == (
        "refunded",
        500,
        0,
    )
    assert_the_books_are_right(driver, payment_id)


def test_a_refund_that_is_due_before_the_parcel_was_heard_of_waits_for_no_one(driver):
    payment_id, provider_id = held(driver)
    driver.receive(driver.shipped(payment_id, 2000, fully_shipped=True), driver.refund_due(payment_id, 300))
    assert at_stripe(driver, provider_id)[1] == 2000
    assert driver.payment(payment_id).refunds.refunded == 300


def test_a_card_that_agrees_after_the_order_ended_is_let_go_untold(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    driver.receive(driver.order_ended(OrderExpired))
    assert at_stripe(driver, opened["provider_id"]) == ("canceled", 0, 0)
    assert driver.deliver_all() == []


# Staff


def test_staff_capture_a_part_and_then_the_rest(driver):
    payment_id, provider_id = held(driver)
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
    assert at_stripe(driver, provider_id) == ("succeeded", 2000, 0)
    assert driver.capture("pay_none").status == 404


def test_a_capture_whose_answer_was_lost_is_the_same_capture_again(driver, monkeypatch):
    payment_id, provider_id = held(driver)
    real = stripe_gateway.capture

    def dies_after(*arguments):
        real(*arguments)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(stripe_gateway, "capture", dies_after)
        with pytest.raises(SystemExit):
            driver.capture(payment_id, key="k", amount={"amount": 500, "currency": "GBP"})
    again = driver.capture(payment_id, key="k", amount={"amount": 500, "currency": "GBP"})
    assert (again.status, again.json["captured"]["amount"]) == (200, 500)
    assert at_stripe(driver, provider_id) == ("requires_capture", 500, 1500)


def test_staff_are_told_when_the_order_ended_before_anything_was_taken(driver, monkeypatch):
    payment_id, provider_id = held(driver)
    real = captures._send

    def after_the_end(*arguments):
        monkeypatch.setattr(captures, "_send", real)
        driver.receive(driver.order_ended(OrderCancelled))
        return real(*arguments)

    monkeypatch.setattr(captures, "_send", after_the_end)
    refused = driver.capture(payment_id)
    assert (refused.status, refused.json["type"]) == (409, "/problems/nothing-to-capture")
    assert at_stripe(driver, provider_id) == ("canceled", 0, 0)


def test_of_a_hold_that_is_to_be_let_go_of_nothing_is_taken(driver, monkeypatch):
    payment_id, provider_id = held(driver)
    unwanted = replace(driver.payment(payment_id), cancel_requested=True)
    assert payments.write(driver.payment(payment_id), unwanted, driver.now())
    monkeypatch.setattr(stripe_gateway, "cancel", stripe_gateway.intent)  # not let go of at once
    refused = driver.capture(payment_id)
    assert (refused.status, refused.json["type"]) == (409, "/problems/nothing-to-capture")
    assert driver.payment(payment_id).captures.request_ids == ()
    assert at_stripe(driver, provider_id) == ("requires_capture", 0, 2000)


def test_staff_who_ask_again_after_the_order_ended_are_told_what_they_took(driver):
    payment_id, _ = held(driver)
    assert driver.capture(payment_id, key="k", amount={"amount": 700, "currency": "GBP"}).status == 200
    driver.receive(driver.order_ended(OrderCancelled))
    again = captures.capture(
        payment_id, driver.payment(payment_id).captures.request_ids[0], gbp(700), driver.now()
    )
    assert (again.captures.captured, again.authorization.capturable) == (700, 0)


def test_staff_captures_at_once_never_take_more_than_is_held(driver):
    payment_id, provider_id = held(driver)
    with ThreadPoolExecutor(5) as pool:
        answers = list(
            pool.map(
                lambda _: driver.capture(payment_id, amount={"amount": 700, "currency": "GBP"}), range(5)
            )
        )
    assert {answer.status for answer in answers} <= {200, 409, 503}
    driver.sweep_later()
    taken = at_stripe(driver, provider_id)[1]
    assert taken % 700 == 0 and taken <= 2000
    assert driver.payment(payment_id).captures.captured == taken
