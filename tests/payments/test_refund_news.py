"""What is said of money that goes back: how much with each change, and that the parts make the whole."""

import pytest

from payments.app import relay
from shared.events import PaymentRefunded, PaymentSucceeded, read_event
from tests.payments.till import gbp
from tests.support import Context, stream_event


@pytest.fixture
def paid(till):
    """A payment of £20.00 that came in and was said."""
    till.order(total=2000)
    opened = till.pay().json
    till.card(opened["provider_id"])
    assert till.turn() == ["payment.succeeded"]
    return opened["payment_id"], opened["provider_id"]


def refunds_said(till):
    """(what was given back, the sum so far) of each refund said since the last look."""
    said = [read_event(event) for event in till.facts()]
    assert {type(event) for event in said} <= {PaymentRefunded}
    return [(event.data.given_back, event.data.refunded) for event in said]


def row(till, payment_id):
    """The payment's row, as its stream shows it."""
    return till.rows("PAYMENTS_TABLE")[f"payment#{payment_id}payment"]


def say(till, old, new):
    """What one record of the payments' stream has said."""
    relay.relay(stream_event((old, new)), Context())
    return [read_event(event) for event in till.published()]


def test_each_refund_in_part_says_what_it_gave_back_and_what_went_back_in_all(till, paid):
    payment_id, _ = paid
    said = []
    for amount, key in ((1200, "a"), (300, "b"), (500, "c")):
        till.hear(till.refund(payment_id, amount, key))
        said += refunds_said(till)
    assert said == [(gbp(1200), gbp(1200)), (gbp(300), gbp(1500)), (gbp(500), gbp(2000))]


def test_two_refunds_found_by_one_look_are_said_as_one(till, paid):
    payment_id, provider_id = paid
    till.hear(till.refund(payment_id, 100, "a"))
    assert refunds_said(till) == [(gbp(100), gbp(100))]
    for amount in (300, 400):
        till.stripe.refunds.create({"payment_intent": provider_id, "amount": amount})
    before = row(till, payment_id)
    assert till.turn() == ["payment.refunded"]
    [event] = say(till, before, row(till, payment_id))
    assert (event.data.given_back, event.data.refunded) == (gbp(700), gbp(800))


def test_a_record_that_comes_again_says_the_same(till, paid):
    payment_id, _ = paid
    till.hear(till.refund(payment_id, 700, "a"))
    before = row(till, payment_id)
    till.hear(till.refund(payment_id, 200, "b"))
    after = row(till, payment_id)
    till.facts()
    first, again = say(till, before, after), say(till, before, after)
    assert first == again
    assert [(event.data.given_back, event.data.refunded) for event in first] == [(gbp(200), gbp(900))]


def test_a_change_that_gives_nothing_back_says_nothing_of_it(till, paid):
    payment_id, _ = paid
    till.hear(till.refund(payment_id, 700, "a"))
    held = row(till, payment_id)
    till.facts()
    assert say(till, held, held | {"version": {"N": "99"}}) == []


def test_a_leap_over_the_payment_and_its_refund_says_both_apart(till, paid):
    payment_id, _ = paid
    unpaid = {"status": {"S": "requires_payment"}, "captured": {"N": "0"}, "version": {"N": "1"}}
    asked_for = row(till, payment_id) | unpaid
    till.hear(till.refund(payment_id, 600, "a"))
    till.facts()
    came_in, went_back = say(till, asked_for, row(till, payment_id))
    assert isinstance(came_in, PaymentSucceeded) and isinstance(went_back, PaymentRefunded)
    assert (came_in.data.given_back, went_back.data.given_back) == (None, gbp(600))
