"""Ended orders: open payments are cancelled, and late ones are refunded once, up to the captured amount."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from payments import stripe_gateway
from payments.app import consume
from payments.stripe_gateway import refunds as stripe_refunds
from payments.tables import payments
from shared.contracts.events import OrderCancelled, OrderExpired
from tests.payments.payments_driver import gbp
from tests.support import deliver


def intent(driver, provider_id):
    return driver.stripe.payment_intents.retrieve(provider_id, {"expand": ["latest_charge"]})


def refunds(driver, provider_id):
    return [each.amount for each in driver.stripe.refunds.list({"payment_intent": provider_id}).data]


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
    over = driver.order_ended(kind)
    driver.receive(over, over)
    assert intent(driver, opened["provider_id"]).status == "canceled"
    assert driver.status(opened["payment_id"]) == "cancelled"
    assert driver.deliver_all() == []
    assert driver.pay().status == 409


def test_a_payment_made_before_the_order_ended_is_published(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    driver.receive(driver.order_ended(OrderExpired))
    assert driver.status(opened["payment_id"]) == "succeeded"
    assert driver.published_types() == ["payment.succeeded"]
    assert driver.deliver_all() == []


def test_a_payment_concurrent_with_its_cancellation_stays(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    real = stripe_gateway.cancel

    def concurrent(intent_id):
        driver.confirm(intent_id)
        return real(intent_id)

    monkeypatch.setattr(stripe_gateway, "cancel", concurrent)
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
    assert refunds(driver, opened["provider_id"]) == [2000]
    seen = driver.get(f"/payments/{opened['payment_id']}").json
    assert (seen["status"], seen["refunded"]) == ("refunded", {"amount": 2000, "currency": "GBP"})


def test_an_unknown_intent_of_an_ended_order_is_cancelled_by_its_webhook(driver, monkeypatch):
    driver.order()
    real = stripe_gateway.open_intent

    def dies_after(payment):
        real(payment)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(stripe_gateway, "open_intent", dies_after)
        with pytest.raises(SystemExit):
            driver.pay()
    driver.receive(driver.order_ended(OrderCancelled))
    [made] = driver.stripe.payment_intents.list({}).data
    assert made.status == "requires_payment_method"
    assert driver.deliver_all() == []
    assert intent(driver, made.id).status == "canceled"


def test_partial_refunds_never_exceed_the_captured_amount(driver):
    payment_id, provider_id = paid(driver)
    driver.receive(driver.refund_due(payment_id, 1500, "a"))
    assert driver.status(payment_id) == "partially_refunded"
    driver.receive(driver.refund_due(payment_id, 501, "b"))
    assert sorted(refunds(driver, provider_id)) == [500, 1500], "the remaining amount and no more"
    driver.receive(driver.refund_due(payment_id, 500, "c"))
    assert sorted(refunds(driver, provider_id)) == [500, 1500]
    assert driver.status(payment_id) == "refunded"
    kept = [row for row in driver.rows("PAYMENTS_TABLE").values() if row["sk"]["S"].startswith("ref_")]
    assert sorted(row["status"]["S"] for row in kept) == ["failed", "succeeded", "succeeded"]


def test_concurrent_refunds_never_exceed_the_captured_amount(driver):
    payment_id, provider_id = paid(driver)
    events = [driver.refund_due(payment_id, 700, f"k{number}") for number in range(5)]
    with ThreadPoolExecutor(5) as pool:
        again = [event for event, failed in zip(events, pool.map(_deliver, events), strict=True) if failed]
    driver.receive(*again, *events)
    assert sorted(refunds(driver, provider_id)) == [600, 700, 700]
    assert driver.payment(payment_id).refunds.refunded == 2000


def test_a_refund_after_a_concurrent_one_gets_the_remaining_amount(driver, monkeypatch):
    payment_id, provider_id = paid(driver)
    real = payments.write

    def concurrent(*arguments):
        if arguments[1].refunds.reserved:  # the write that reserves the refund
            monkeypatch.setattr(payments, "write", real)
            driver.receive(driver.refund_due(payment_id, 1500, "other"))
        return real(*arguments)

    monkeypatch.setattr(payments, "write", concurrent)
    driver.receive(driver.refund_due(payment_id, 501, "mine"))
    assert sorted(refunds(driver, provider_id)) == [500, 1500]
    assert driver.payment(payment_id).refunds.reserved == 2000


def _deliver(event):
    return deliver(consume.consume, event)


def test_a_refund_is_found_after_stripe_forgot_its_key(driver, monkeypatch):
    payment_id, provider_id = paid(driver)
    due = driver.refund_due(payment_id, 700)
    real = stripe_refunds.create_refund

    def dies_after(*arguments):
        real(*arguments)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(stripe_refunds, "create_refund", dies_after)
        with pytest.raises(SystemExit):
            driver.receive(due)
    driver.control_stripe("advance", seconds=25 * 3600)
    driver.receive(due)
    assert refunds(driver, provider_id) == [700]


def test_a_refund_created_in_stripe_is_recorded(driver):
    payment_id, provider_id = paid(driver)
    driver.stripe.refunds.create({"payment_intent": provider_id, "amount": 300})
    assert driver.deliver_all() == ["payment.refunded"]
    assert driver.payment(payment_id).refunds.refunded == 300
    driver.receive(driver.refund_due(payment_id, 1701))
    assert sorted(refunds(driver, provider_id)) == [300, 1700]


def test_a_refund_due_is_reduced_by_one_created_in_stripe(driver):
    payment_id, provider_id = paid(driver)
    driver.stripe.refunds.create({"payment_intent": provider_id, "amount": 300})
    driver.receive(driver.refund_due(payment_id, 2000))
    assert sorted(refunds(driver, provider_id)) == [300, 1700]
    assert driver.status(payment_id) == "refunded"


def test_a_refused_refund_is_failed_and_not_reserved(driver):
    payment_id, provider_id = paid(driver)
    driver.stripe.refunds.create({"payment_intent": provider_id})  # its webhook has not arrived
    driver.receive(driver.refund_due(payment_id, 2000))
    held = driver.payment(payment_id)
    assert (held.status, held.refunds.refunded, held.refunds.reserved) == ("refunded", 2000, 2000)
    assert sorted(each["status"] for each in driver.refunds(payment_id)) == ["failed", "succeeded"]
    assert refunds(driver, provider_id) == [2000]


def test_a_refund_in_another_currency_or_of_no_payment_is_not_sent(driver):
    payment_id, provider_id = paid(driver)
    due = driver.refund_due(payment_id, 100)
    euros = due.data.model_copy(update={"amount": gbp(100).model_copy(update={"currency": "EUR"})})
    driver.receive(due.model_copy(update={"data": euros}))
    assert deliver(consume.consume, driver.refund_due("pay_none", 100)) == ["m0"]
    assert refunds(driver, provider_id) == []
