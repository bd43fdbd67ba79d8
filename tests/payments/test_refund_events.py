"""What is said of money that goes back: how much with each change, and that the parts make the whole."""

import pytest

from payments.app import relay
from shared.contracts.events import PaymentRefunded, PaymentSucceeded, read_event
from tests.payments.payments_driver import gbp
from tests.support import Context, stream_event


@pytest.fixture
def paid(driver):
    """A payment of £20.00 that came in and was said."""
    driver.order(total=2000)
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]
    return opened["payment_id"], opened["provider_id"]


def refunds_said(driver):
    """(what was given back, the sum so far) of each refund said since the last look."""
    said = [read_event(event) for event in driver.published_events()]
    assert {type(event) for event in said} <= {PaymentRefunded}
    return [(event.data.refund_amount, event.data.refunded) for event in said]


def row(driver, payment_id):
    """The payment's row, as its stream shows it."""
    return driver.rows("PAYMENTS_TABLE")[f"payment#{payment_id}payment"]


def say(driver, old, new):
    """What one record of the payments' stream has said."""
    relay.relay(stream_event((old, new)), Context())
    return [read_event(event) for event in driver.published()]


def test_each_refund_in_part_says_what_it_gave_back_and_what_went_back_in_all(driver, paid):
    payment_id, _ = paid
    said = []
    for amount, key in ((1200, "a"), (300, "b"), (500, "c")):
        driver.receive(driver.refund_due(payment_id, amount, key))
        said += refunds_said(driver)
    assert said == [(gbp(1200), gbp(1200)), (gbp(300), gbp(1500)), (gbp(500), gbp(2000))]


def test_two_refunds_found_by_one_look_are_said_as_one(driver, paid):
    payment_id, provider_id = paid
    driver.receive(driver.refund_due(payment_id, 100, "a"))
    assert refunds_said(driver) == [(gbp(100), gbp(100))]
    for amount in (300, 400):
        driver.stripe.refunds.create({"payment_intent": provider_id, "amount": amount})
    before = row(driver, payment_id)
    assert driver.deliver_all() == ["payment.refunded"]
    [event] = say(driver, before, row(driver, payment_id))
    assert (event.data.refund_amount, event.data.refunded) == (gbp(700), gbp(800))


def test_a_record_that_comes_again_says_the_same(driver, paid):
    payment_id, _ = paid
    driver.receive(driver.refund_due(payment_id, 700, "a"))
    before = row(driver, payment_id)
    driver.receive(driver.refund_due(payment_id, 200, "b"))
    after = row(driver, payment_id)
    driver.published_events()
    first, again = say(driver, before, after), say(driver, before, after)
    assert first == again
    assert [(event.data.refund_amount, event.data.refunded) for event in first] == [(gbp(200), gbp(900))]


def test_a_change_that_gives_nothing_back_says_nothing_of_it(driver, paid):
    payment_id, _ = paid
    driver.receive(driver.refund_due(payment_id, 700, "a"))
    held = row(driver, payment_id)
    driver.published_events()
    assert say(driver, held, held | {"version": {"N": "99"}}) == []


def test_a_leap_over_the_payment_and_its_refund_says_both_apart(driver, paid):
    payment_id, _ = paid
    unpaid = {"status": {"S": "requires_payment"}, "captured": {"N": "0"}, "version": {"N": "1"}}
    asked_for = row(driver, payment_id) | unpaid
    driver.receive(driver.refund_due(payment_id, 600, "a"))
    driver.published_events()
    came_in, went_back = say(driver, asked_for, row(driver, payment_id))
    assert isinstance(came_in, PaymentSucceeded) and isinstance(went_back, PaymentRefunded)
    assert (came_in.data.refund_amount, went_back.data.refund_amount) == (None, gbp(600))
