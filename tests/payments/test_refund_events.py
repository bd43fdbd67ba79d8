"""The events of refunds: the amount of each change, and the total."""

import pytest

from payments.app import relay
from shared.contracts.events import PaymentRefunded, PaymentSucceeded, read_event
from tests.payments.payments_driver import gbp
from tests.support import Context, stream_event


@pytest.fixture
def paid(driver):
    """Pay an order of £20.00 and publish the event; return the ids of the payment and its intent."""
    driver.order(total=2000)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]
    return opened["payment_id"], opened["provider_id"]


def refunds_published(driver):
    """Return (refunded amount, total) of each refund published since the last call."""
    published = [read_event(event) for event in driver.published_events()]
    assert {type(event) for event in published} <= {PaymentRefunded}
    return [(event.data.refund_amount, event.data.refunded) for event in published]


def row(driver, payment_id):
    """Return the payment's row as its stream delivers it."""
    return driver.rows("PAYMENTS_TABLE")[f"payment#{payment_id}payment"]


def relay_record(driver, old, new):
    """Deliver one record of the payments' stream; return the published events."""
    relay.relay(stream_event((old, new)), Context())
    return [read_event(event) for event in driver.published()]


def test_each_partial_refund_publishes_its_amount_and_the_total(driver, paid):
    payment_id, _ = paid
    published = []
    for amount, key in ((1200, "a"), (300, "b"), (500, "c")):
        driver.receive(driver.refund_due(payment_id, amount, key))
        published += refunds_published(driver)
    assert published == [(gbp(1200), gbp(1200)), (gbp(300), gbp(1500)), (gbp(500), gbp(2000))]


def test_two_refunds_of_one_synchronization_are_one_event(driver, paid):
    payment_id, provider_id = paid
    driver.receive(driver.refund_due(payment_id, 100, "a"))
    assert refunds_published(driver) == [(gbp(100), gbp(100))]
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


def test_a_change_without_a_refund_publishes_none(driver, paid):
    payment_id, _ = paid
    driver.receive(driver.refund_due(payment_id, 700, "a"))
    held = row(driver, payment_id)
    driver.published_events()
    assert relay_record(driver, held, held | {"version": {"N": "99"}}) == []


def test_a_capture_and_its_refund_in_one_change_are_two_events(driver, paid):
    payment_id, _ = paid
    unpaid = {"status": {"S": "requires_payment"}, "captured": {"N": "0"}, "version": {"N": "1"}}
    asked_for = row(driver, payment_id) | unpaid
    driver.receive(driver.refund_due(payment_id, 600, "a"))
    driver.published_events()
    came_in, went_back = relay_record(driver, asked_for, row(driver, payment_id))
    assert isinstance(came_in, PaymentSucceeded) and isinstance(went_back, PaymentRefunded)
    assert (came_in.data.refund_amount, went_back.data.refund_amount) == (None, gbp(600))
