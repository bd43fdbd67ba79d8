"""Expiring authorizations: the shopper is notified in time, may pay again, and never pays twice."""

import pytest

from payments import stripe_gateway
from payments.service import captures, sweeper, syncing
from shared.contracts.events import OrderCancelled
from tests.payments.samples import authorized_payment as held
from tests.payments.test_captures import at_stripe
from tests.support import Context, customer

pytestmark = pytest.mark.usefixtures("manual")


def expiring(driver):
    """Authorize a payment of a paid order and notify its expiry; return its id and its intent's."""
    payment_id, provider_id = held(driver)
    driver.order(status="paid", expires_at=None)
    driver.paid_by["ord_1"] = payment_id
    driver.advance(days=6, hours=1)
    assert driver.sweep() == ["payment.expiring"]
    return payment_id, provider_id


def test_an_authorization_that_expires_within_a_day_is_notified_once(driver):
    payment_id, _ = held(driver)
    driver.advance(days=5, hours=23)
    assert driver.sweep() == []
    driver.advance(hours=2)
    assert driver.sweep() == ["payment.expiring"]
    driver.advance(hours=1)
    assert driver.sweep() == []
    assert driver.payment(payment_id).authorization.expiry_notified


def test_a_partially_captured_authorization_is_not_notified(driver):
    payment_id, _ = held(driver)
    driver.receive(driver.shipped(payment_id, 700))
    driver.published_types()
    driver.advance(days=6, hours=12)
    assert driver.sweep() == []


def test_an_expired_authorization_is_voided_without_its_webhook(driver):
    payment_id, _ = expiring(driver)
    driver.advance(days=1, hours=3)
    assert driver.sweep() == ["payment.voided"]
    assert driver.status(payment_id) == "cancelled"
    assert driver.deliver_all() == []
    assert driver.sweep() == []


def test_the_rest_of_an_authorization_expires_and_the_captured_part_stays(driver):
    payment_id, _ = held(driver)
    driver.receive(driver.shipped(payment_id, 700))
    driver.published_types()
    driver.advance(days=8)
    assert driver.deliver_all() == ["payment.voided"]
    payment = driver.payment(payment_id)
    assert (payment.status, payment.captures.captured, payment.authorization.capturable) == (
        "succeeded",
        700,
        0,
    )
    driver.receive(driver.shipped(payment_id, 2000, fully_shipped=True))
    assert driver.published_types() == ["payment.capture_failed"]


def test_a_replacing_payment_releases_the_replaced_one(driver):
    before, old_intent = expiring(driver)
    opened = driver.pay().json
    assert opened["payment_id"] != before
    assert driver.pay().json["payment_id"] == opened["payment_id"], "two tabs"
    assert at_stripe(driver, old_intent)[0] == "requires_capture", (
        "the old hold stays until the new one is there"
    )
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.authorized"], (
        "the old one's end is not news: its order has the money"
    )
    assert at_stripe(driver, old_intent)[0] == "canceled"
    assert at_stripe(driver, opened["provider_id"])[0] == "requires_capture"
    assert driver.payment(before).replacement.replaced_by == opened["payment_id"]
    assert driver.deliver_all() == []
    driver.paid_by["ord_1"] = opened["payment_id"]
    assert driver.pay().status == 409


def test_a_fulfilment_of_the_replaced_payment_captures_the_new_one(driver):
    before, _ = expiring(driver)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    driver.deliver_all()
    driver.receive(driver.shipped(before, 700))
    assert at_stripe(driver, opened["provider_id"]) == ("requires_capture", 700, 1300)


def test_the_sweeper_releases_a_replaced_payment_after_a_crash(driver, monkeypatch):
    _, old_intent = expiring(driver)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    with monkeypatch.context() as dying:
        dying.setattr(sweeper, "follow_up_if_needed", lambda *_: None)
        driver.deliver_all()
    assert at_stripe(driver, old_intent)[0] == "requires_capture"
    assert driver.sweep_later() == []
    assert at_stripe(driver, old_intent)[0] == "canceled"
    assert driver.payment(opened["payment_id"]).replacement.released


def test_goods_shipped_before_the_replacement_are_paid_by_the_old_payment(driver):
    before, old_intent = expiring(driver)
    opened = driver.pay().json
    driver.receive(driver.shipped(before, 2000, fully_shipped=True))
    assert at_stripe(driver, old_intent) == ("succeeded", 2000, 0)
    driver.confirm(opened["provider_id"])
    driver.deliver_all()
    assert at_stripe(driver, opened["provider_id"])[0] == "canceled", "nobody pays twice"


def test_a_fulfilment_of_a_late_replacement_captures_the_old_payment(driver):
    before, old_intent = expiring(driver)
    opened = driver.pay().json
    driver.receive(driver.shipped(before, 700))
    driver.confirm(opened["provider_id"])
    driver.deliver_all()
    assert at_stripe(driver, opened["provider_id"])[0] == "canceled"
    driver.receive(driver.shipped(opened["payment_id"], 2000, fully_shipped=True))
    assert at_stripe(driver, old_intent) == ("succeeded", 2000, 0)
    assert "payment.capture_failed" not in driver.published_types()


def test_a_fulfilment_during_the_replacement_captures_the_new_payment(driver, monkeypatch):
    before, _ = expiring(driver)
    opened = driver.pay().json
    real = captures._paying_payment

    def concurrent(payment_id):
        found = real(payment_id)
        monkeypatch.setattr(captures, "_paying_payment", real)
        driver.confirm(opened["provider_id"])
        driver.deliver_all()
        return found

    monkeypatch.setattr(captures, "_paying_payment", concurrent)
    driver.receive(driver.shipped(before, 700))
    assert at_stripe(driver, opened["provider_id"]) == ("requires_capture", 700, 1300)
    assert "payment.capture_failed" not in driver.published_types()


def test_an_ended_order_voids_both_payments(driver):
    _, old_intent = expiring(driver)
    opened = driver.pay().json
    driver.receive(driver.order_ended(OrderCancelled))
    assert at_stripe(driver, old_intent)[0] == "canceled"
    assert at_stripe(driver, opened["provider_id"])[0] == "canceled"


def test_a_paid_order_with_a_valid_authorization_cannot_be_paid_again(driver):
    payment_id, _ = held(driver)
    driver.order(status="paid", expires_at=None)
    driver.paid_by["ord_1"] = payment_id
    assert driver.pay().status == 409
    assert driver.pay(who=customer("usr_2")).status == 404


def test_a_failing_payment_does_not_block_the_others(driver, monkeypatch):
    held(driver)
    other = driver.order("ord_2", total=500)
    opened = driver.pay("ord_2").json
    driver.confirm(opened["provider_id"])
    driver.deliver_all()
    driver.advance(days=6, hours=1)
    real = syncing.sync_from_stripe

    def fails_for_one(payment_id, *arguments, **more):
        if payment_id != opened["payment_id"]:
            raise stripe_gateway.StripeUnavailable("No.")
        return real(payment_id, *arguments, **more)

    with monkeypatch.context() as broken:
        broken.setattr(syncing, "sync_from_stripe", fails_for_one)
        assert driver.sweep() == ["payment.expiring"]
    assert other.order_id == "ord_2"
    assert driver.sweep() == ["payment.expiring"], "the next run helps the other"


def test_a_sweep_without_time_starts_nothing(driver):
    held(driver)
    driver.advance(days=6, hours=1)

    class Hurried(Context):
        def get_remaining_time_in_millis(self) -> int:
            return 20_000

    assert driver.sweep(Hurried()) == []
    assert driver.sweep() == ["payment.expiring"]
