"""Refund events: the amount of each change and the total so far."""

import pytest

from payments.app import relay
from shared.contracts.events.payments import PaymentRefunded, PaymentSucceeded
from shared.contracts.events.published import read_event
from tests.payments.payments_driver import gbp
from tests.support import Context, stream_event


@pytest.fixture
def paid(driver):
    """Pay £20.00 and publish the event; return the payment's id and its intent's."""
    driver.order(total=2000)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]
    return opened["payment_id"], opened["provider_id"]


def published_refunds(driver):
    """Return (amount, total so far) of each refund published since the last call."""
    events = [read_event(event) for event in driver.published_events()]
    assert {type(event) for event in events} <= {PaymentRefunded}
    return [(event.data.refund_amount, event.data.refunded) for event in events]


def row(driver, payment_id):
    """Return the payment's row as it is in the stream."""
    return driver.rows("PAYMENTS_TABLE")[f"payment#{payment_id}payment"]


def relay_record(driver, old, new):
    """Relay one record of the payments' stream; return the published events."""
    relay.relay(stream_event((old, new)), Context())
    return [read_event(event) for event in driver.published()]


def test_each_partial_refund_is_published_with_its_amount_and_the_total(driver, paid):
    payment_id, _ = paid
    published = []
    for amount, key in ((1200, "a"), (300, "b"), (500, "c")):
        driver.receive(driver.refund_due(payment_id, amount, key))
        published += published_refunds(driver)
    assert published == [(gbp(1200), gbp(1200)), (gbp(300), gbp(1500)), (gbp(500), gbp(2000))]


def test_two_refunds_found_by_one_sync_are_published_as_one(driver, paid):
    payment_id, provider_id = paid
    driver.receive(driver.refund_due(payment_id, 100, "a"))
    assert published_refunds(driver) == [(gbp(100), gbp(100))]
    for amount in (300, 400):
        driver.stripe.refunds.create({"payment_intent": provider_id, "amount": amount})
    before = row(driver, payment_id)
    assert driver.deliver_all() == ["payment.refunded"]
    [event] = relay_record(driver, before, row(driver, payment_id))
    assert (event.data.refund_amount, event.data.refunded) == (gbp(700), gbp(800))


def test_a_repeated_stream_record_publishes_the_same_event(driver, paid):
    payment_id, _ = paid
    driver.receive(driver.refund_due(payment_id, 700, "a"))
    before = row(driver, payment_id)
    driver.receive(driver.refund_due(payment_id, 200, "b"))
    after = row(driver, payment_id)
    driver.published_events()
    first, again = relay_record(driver, before, after), relay_record(driver, before, after)
    assert first == again
    assert [(event.data.refund_amount, event.data.refunded) for event in first] == [(gbp(200), gbp(900))]


def test_a_change_without_a_refund_publishes_no_refund(driver, paid):
    payment_id, _ = paid
    driver.receive(driver.refund_due(payment_id, 700, "a"))
    refunded = row(driver, payment_id)
    driver.published_events()
    assert relay_record(driver, refunded, refunded | {"version": {"N": "99"}}) == []


def test_a_record_with_a_payment_and_its_refund_publishes_both(driver, paid):
    payment_id, _ = paid
    unpaid = {"status": {"S": "requires_payment"}, "captured": {"N": "0"}, "version": {"N": "1"}}
    unpaid_row = row(driver, payment_id) | unpaid
    driver.receive(driver.refund_due(payment_id, 600, "a"))
    driver.published_events()
    succeeded, refunded = relay_record(driver, unpaid_row, row(driver, payment_id))
    assert isinstance(succeeded, PaymentSucceeded) and isinstance(refunded, PaymentRefunded)
    assert (succeeded.data.refund_amount, refunded.data.refund_amount) == (None, gbp(600))
