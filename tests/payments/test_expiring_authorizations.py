"""Expiring authorizations: the shopper is notified in time, may pay again, and never pays twice."""

import pytest

from payments import stripe_gateway
from payments.service import captures, sweeper, syncing
from shared.contracts.events.orders import OrderCancelled
from tests.payments.samples import authorized_payment, intent_state
from tests.support import Context, customer

pytestmark = pytest.mark.usefixtures("manual")


def expiring_payment(driver):
    """Authorize a payment of a paid order and announce its expiry; return its id and its intent's."""
    payment_id, provider_id = authorized_payment(driver)
    driver.order(status="paid", expires_at=None)
    driver.paid_by["ord_1"] = payment_id
    driver.advance(days=6, hours=1)
    assert driver.sweep() == ["payment.expiring"]
    return payment_id, provider_id


def test_an_authorization_that_expires_within_a_day_is_announced_once(driver):
    payment_id, _ = authorized_payment(driver)
    driver.advance(days=5, hours=23)
    assert driver.sweep() == []
    driver.advance(hours=2)
    assert driver.sweep() == ["payment.expiring"]
    driver.advance(hours=1)
    assert driver.sweep() == []
    assert driver.payment(payment_id).authorization.expiry_notified


def test_the_expiry_of_a_partly_captured_authorization_is_not_announced(driver):
    payment_id, _ = authorized_payment(driver)
    driver.receive(driver.shipped(payment_id, 700))
    driver.published_types()
    driver.advance(days=6, hours=12)
    assert driver.sweep() == []


def test_an_expired_authorization_is_voided_without_its_webhook(driver):
    payment_id, _ = expiring_payment(driver)
    driver.advance(days=1, hours=3)
    assert driver.sweep() == ["payment.voided"]
    assert driver.status(payment_id) == "cancelled"
    assert driver.deliver_all() == []
    assert driver.sweep() == []


def test_an_expired_remainder_is_voided_and_the_captured_part_stays(driver):
    payment_id, _ = authorized_payment(driver)
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


def test_a_new_payment_replaces_the_expiring_authorization(driver):
    old_payment_id, old_intent_id = expiring_payment(driver)
    opened = driver.pay().json
    assert opened["payment_id"] != old_payment_id
    assert driver.pay().json["payment_id"] == opened["payment_id"], "a second tab gets the same payment"
    assert intent_state(driver, old_intent_id)[0] == "requires_capture", (
        "the old authorization stays until the new one exists"
    )
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.authorized"], "the old payment is released without an event"
    assert intent_state(driver, old_intent_id)[0] == "canceled"
    assert intent_state(driver, opened["provider_id"])[0] == "requires_capture"
    assert driver.payment(old_payment_id).replacement.replaced_by == opened["payment_id"]
    assert driver.deliver_all() == []
    driver.paid_by["ord_1"] = opened["payment_id"]
    assert driver.pay().status == 409


def test_a_fulfilment_for_the_old_payment_captures_the_new_one(driver):
    old_payment_id, _ = expiring_payment(driver)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    driver.deliver_all()
    driver.receive(driver.shipped(old_payment_id, 700))
    assert intent_state(driver, opened["provider_id"]) == ("requires_capture", 700, 1300)


def test_the_sweeper_releases_the_old_authorization_after_a_crash(driver, monkeypatch):
    _, old_intent_id = expiring_payment(driver)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    with monkeypatch.context() as patch:
        patch.setattr(sweeper, "follow_up_if_needed", lambda *_: None)
        driver.deliver_all()
    assert intent_state(driver, old_intent_id)[0] == "requires_capture"
    assert driver.sweep_later() == []
    assert intent_state(driver, old_intent_id)[0] == "canceled"
    assert driver.payment(opened["payment_id"]).replacement.released


def test_a_fulfilment_before_the_new_authorization_captures_the_old_one(driver):
    old_payment_id, old_intent_id = expiring_payment(driver)
    opened = driver.pay().json
    driver.receive(driver.shipped(old_payment_id, 2000, fully_shipped=True))
    assert intent_state(driver, old_intent_id) == ("succeeded", 2000, 0)
    driver.confirm(opened["provider_id"])
    driver.deliver_all()
    assert intent_state(driver, opened["provider_id"])[0] == "canceled", "the shopper must not pay twice"


def test_a_fulfilment_for_a_late_new_payment_captures_the_old_one(driver):
    old_payment_id, old_intent_id = expiring_payment(driver)
    opened = driver.pay().json
    driver.receive(driver.shipped(old_payment_id, 700))
    driver.confirm(opened["provider_id"])
    driver.deliver_all()
    assert intent_state(driver, opened["provider_id"])[0] == "canceled"
    driver.receive(driver.shipped(opened["payment_id"], 2000, fully_shipped=True))
    assert intent_state(driver, old_intent_id) == ("succeeded", 2000, 0)
    assert "payment.capture_failed" not in driver.published_types()


def test_a_fulfilment_captures_the_payment_that_replaced_its_own_meanwhile(driver, monkeypatch):
    old_payment_id, _ = expiring_payment(driver)
    opened = driver.pay().json
    real = captures._paying_payment

    def replace_after_read(payment_id):
        found = real(payment_id)
        monkeypatch.setattr(captures, "_paying_payment", real)
        driver.confirm(opened["provider_id"])
        driver.deliver_all()
        return found

    monkeypatch.setattr(captures, "_paying_payment", replace_after_read)
    driver.receive(driver.shipped(old_payment_id, 700))
    assert intent_state(driver, opened["provider_id"]) == ("requires_capture", 700, 1300)
    assert "payment.capture_failed" not in driver.published_types()


def test_an_ended_order_voids_both_payments(driver):
    _, old_intent_id = expiring_payment(driver)
    opened = driver.pay().json
    driver.receive(driver.order_ended(OrderCancelled))
    assert intent_state(driver, old_intent_id)[0] == "canceled"
    assert intent_state(driver, opened["provider_id"])[0] == "canceled"


def test_an_order_with_a_valid_authorization_cannot_be_paid_again(driver):
    payment_id, _ = authorized_payment(driver)
    driver.order(status="paid", expires_at=None)
    driver.paid_by["ord_1"] = payment_id
    assert driver.pay().status == 409
    assert driver.pay(caller=customer("usr_2")).status == 404


def test_a_payment_that_fails_to_sync_does_not_block_the_others(driver, monkeypatch):
    authorized_payment(driver)
    other = driver.order("ord_2", total=500)
    opened = driver.pay("ord_2").json
    driver.confirm(opened["provider_id"])
    driver.deliver_all()
    driver.advance(days=6, hours=1)
    real = syncing.sync_from_stripe

    def fail_for_one(payment_id, *arguments, **options):
        if payment_id != opened["payment_id"]:
            raise stripe_gateway.StripeUnavailable("Stripe is unavailable.")
        return real(payment_id, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(syncing, "sync_from_stripe", fail_for_one)
        assert driver.sweep() == ["payment.expiring"]
    assert other.order_id == "ord_2"
    assert driver.sweep() == ["payment.expiring"], "the next run handles the other payment"


def test_a_sweep_with_little_time_left_starts_nothing(driver):
    authorized_payment(driver)
    driver.advance(days=6, hours=1)

    class LittleTime(Context):
        def get_remaining_time_in_millis(self) -> int:
            return 20_000

    assert driver.sweep(LittleTime()) == []
    assert driver.sweep() == ["payment.expiring"]
