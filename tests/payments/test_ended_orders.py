"""Payments of ended orders: cancelled if unpaid, refunded once if paid too late."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from payments import stripe_gateway
from payments.app import consume
from payments.stripe_gateway import refunds as stripe_refunds
from payments.tables import payments
from shared.contracts.events.orders import OrderCancelled, OrderExpired
from tests.payments.payments_driver import gbp
from tests.payments.samples import refund_amounts
from tests.support import deliver


def intent(driver, provider_id):
    return driver.stripe.payment_intents.retrieve(provider_id, {"expand": ["latest_charge"]})


def paid(driver, total=2000):
    driver.order(total=total)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]
    return opened["payment_id"], opened["provider_id"]


@pytest.mark.parametrize("kind", [OrderCancelled, OrderExpired])
def test_an_ended_order_cancels_its_payment(driver, kind):
    driver.order()
    opened = driver.pay().json
    ended = driver.order_ended(kind)
    driver.receive(ended, ended)
    assert intent(driver, opened["provider_id"]).status == "canceled"
    assert driver.status(opened["payment_id"]) == "cancelled"
    assert driver.deliver_all() == []
    assert driver.pay().status == 409


def test_a_payment_before_the_order_ended_stays_and_is_published(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    driver.receive(driver.order_ended(OrderExpired))
    assert driver.status(opened["payment_id"]) == "succeeded"
    assert driver.published_types() == ["payment.succeeded"]
    assert driver.deliver_all() == []


def test_a_payment_that_precedes_its_cancellation_stays(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    real = stripe_gateway.cancel

    def pay_first(intent_id):
        driver.confirm(intent_id)
        return real(intent_id)

    monkeypatch.setattr(stripe_gateway, "cancel", pay_first)
    driver.receive(driver.order_ended(OrderExpired))
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_a_late_payment_is_refunded_once(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    driver.receive(driver.order_ended(OrderExpired))
    assert driver.deliver_all() == ["payment.succeeded"]
    due = driver.refund_due(opened["payment_id"], 2000)
    driver.receive(due, due)
    driver.receive(due)
    assert driver.deliver_all() == ["payment.refunded"]
    assert driver.deliver_all() == []
    assert refund_amounts(driver, opened["provider_id"]) == [2000]
    seen = driver.get(f"/payments/{opened['payment_id']}").json
    assert (seen["status"], seen["refunded"]) == ("refunded", {"amount": 2000, "currency": "GBP"})


def test_the_reconciliation_cancels_an_intent_that_was_not_saved(driver, reconciliation, monkeypatch):
    driver.order()
    real = stripe_gateway.open_intent

    def open_then_die(payment):
        real(payment)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(stripe_gateway, "open_intent", open_then_die)
        with pytest.raises(SystemExit):
            driver.pay()
    driver.receive(driver.order_ended(OrderCancelled))
    [created] = driver.stripe.payment_intents.list({}).data
    assert created.status == "requires_payment_method"
    assert reconciliation.run_later() == [("never_heard", "cancel", True)]
    assert intent(driver, created.id).status == "canceled"


def test_partial_refunds_never_exceed_the_captured_amount(driver):
    payment_id, provider_id = paid(driver)
    driver.receive(driver.refund_due(payment_id, 1500, "a"))
    assert driver.status(payment_id) == "partially_refunded"
    driver.receive(driver.refund_due(payment_id, 501, "b"))
    assert sorted(refund_amounts(driver, provider_id)) == [500, 1500], "only the remaining amount"
    driver.receive(driver.refund_due(payment_id, 500, "c"))
    assert sorted(refund_amounts(driver, provider_id)) == [500, 1500]
    assert driver.status(payment_id) == "refunded"
    stored = [row for row in driver.rows("PAYMENTS_TABLE").values() if row["sk"]["S"].startswith("ref_")]
    assert sorted(row["status"]["S"] for row in stored) == ["failed", "succeeded", "succeeded"]


def test_concurrent_refunds_never_exceed_the_captured_amount(driver):
    payment_id, provider_id = paid(driver)
    events = [driver.refund_due(payment_id, 700, f"k{number}") for number in range(5)]
    with ThreadPoolExecutor(5) as pool:
        again = [event for event, failed in zip(events, pool.map(_deliver, events), strict=True) if failed]
    driver.receive(*again, *events)
    assert sorted(refund_amounts(driver, provider_id)) == [600, 700, 700]
    assert driver.payment(payment_id).refunds.refunded == 2000


def test_a_refund_after_a_concurrent_one_gets_the_remaining_amount(driver, monkeypatch):
    payment_id, provider_id = paid(driver)
    real = payments.write

    def refund_first(*arguments):
        if arguments[1].refunds.reserved:  # the write that reserves the amount
            monkeypatch.setattr(payments, "write", real)
            driver.receive(driver.refund_due(payment_id, 1500, "other"))
        return real(*arguments)

    monkeypatch.setattr(payments, "write", refund_first)
    driver.receive(driver.refund_due(payment_id, 501, "mine"))
    assert sorted(refund_amounts(driver, provider_id)) == [500, 1500]
    assert driver.payment(payment_id).refunds.reserved == 2000


def _deliver(event):
    return deliver(consume.consume, event)


def test_a_refund_is_not_repeated_after_its_stripe_key_expired(driver, monkeypatch):
    payment_id, provider_id = paid(driver)
    due = driver.refund_due(payment_id, 700)
    real = stripe_refunds.create_refund

    def refund_then_die(*arguments):
        real(*arguments)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(stripe_refunds, "create_refund", refund_then_die)
        with pytest.raises(SystemExit):
            driver.receive(due)
    driver.control_stripe("advance", seconds=25 * 3600)
    driver.receive(due)
    assert refund_amounts(driver, provider_id) == [700]


def test_a_refund_created_in_stripe_is_recorded(driver):
    payment_id, provider_id = paid(driver)
    driver.stripe.refunds.create({"payment_intent": provider_id, "amount": 300})
    assert driver.deliver_all() == ["payment.refunded"]
    assert driver.payment(payment_id).refunds.refunded == 300
    driver.receive(driver.refund_due(payment_id, 1701))
    assert sorted(refund_amounts(driver, provider_id)) == [300, 1700]


def test_an_unrecorded_refund_in_stripe_reduces_the_refundable_amount(driver):
    payment_id, provider_id = paid(driver)
    driver.stripe.refunds.create({"payment_intent": provider_id, "amount": 300})
    driver.receive(driver.refund_due(payment_id, 2000))
    assert sorted(refund_amounts(driver, provider_id)) == [300, 1700]
    assert driver.status(payment_id) == "refunded"


def test_a_refund_that_stripe_refuses_is_stored_as_failed(driver):
    payment_id, provider_id = paid(driver)
    driver.stripe.refunds.create({"payment_intent": provider_id})  # its webhook has not arrived yet
    driver.receive(driver.refund_due(payment_id, 2000))
    payment = driver.payment(payment_id)
    assert (payment.status, payment.refunds.refunded, payment.refunds.reserved) == ("refunded", 2000, 2000)
    assert sorted(each["status"] for each in driver.refunds(payment_id)) == ["failed", "succeeded"]
    assert refund_amounts(driver, provider_id) == [2000]


def test_a_refund_in_another_currency_or_of_an_unknown_payment_is_not_made(driver):
    payment_id, provider_id = paid(driver)
    due = driver.refund_due(payment_id, 100)
    euros = due.data.model_copy(update={"amount": gbp(100).model_copy(update={"currency": "EUR"})})
    driver.receive(due.model_copy(update={"data": euros}))
    assert deliver(consume.consume, driver.refund_due("pay_none", 100)) == ["m0"]
    assert refund_amounts(driver, provider_id) == []
