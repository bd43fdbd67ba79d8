"""The rules of an order, with plain values."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from orders.domain import cancellation, paying, placing
from orders.domain.errors import OrderNotPlacedError
from orders.domain.orders import Order, RefundKey
from orders.domain.terms import Terms, agree, check
from orders.domain.transitions import TRANSITIONS, IllegalTransition, Status, Transition
from shared.errors import Invalid
from shared.values.money import Money
from tests.orders.samples import ADDRESS, NOW, quote, told

TOTAL = quote().total
LATE = RefundKey("pay_1:late")
LATER = NOW + timedelta(hours=1)


def terms(now: datetime = NOW) -> Terms:
    return agree(quote(), ADDRESS, "ada@example.com", now, timedelta(minutes=30))


def placed() -> Order:
    return placing.place(placing.open_order("ord_1", "usr_1", NOW), terms())


def test_an_order_is_paid_by_its_exact_amount():
    paid = paying.apply_payment(placed(), told(TOTAL.amount, "pay_1"), LATER)
    assert (paid.status, paid.payment_id, paid.expires_at) == (Status.PAID, "pay_1", None)
    assert paying.apply_payment(paid, told(TOTAL.amount, "pay_1"), LATER) is paid


@pytest.mark.parametrize("amount", [TOTAL.amount - 1, TOTAL.amount + 1])
def test_another_amount_goes_back_and_the_order_waits_on(amount):
    order = paying.apply_payment(placed(), told(amount), LATER)
    assert order.status is Status.AWAITING_PAYMENT
    assert order.refunds_due[LATE].amount.amount == amount


@pytest.mark.parametrize("end", ["cancel", "expire", "paid by another"])
def test_money_that_comes_too_late_is_due_back_once(end):
    order = placed()
    order = {
        "cancel": lambda: cancellation.cancel(order, "usr_1", "req_1", NOW),
        "expire": lambda: cancellation.expire(order, LATER),
        "paid by another": lambda: paying.apply_payment(order, told(TOTAL.amount, "pay_0"), NOW),
    }[end]()
    late = paying.apply_payment(order, told(TOTAL.amount, "pay_1"), LATER)
    assert late.status is order.status
    assert late.refunds_due[LATE].amount == TOTAL
    assert paying.apply_payment(late, told(TOTAL.amount, "pay_1"), LATER) is late


def test_news_ahead_of_the_placement_waits():
    with pytest.raises(OrderNotPlacedError):
        paying.apply_payment(placing.open_order("ord_1", "usr_1", NOW), told(TOTAL.amount, "pay_1"), NOW)


def test_an_order_expires_when_its_time_is_over_and_not_before():
    with pytest.raises(IllegalTransition):
        cancellation.expire(placed(), NOW + timedelta(minutes=29))
    assert cancellation.expire(placed(), NOW + timedelta(minutes=30)).status is Status.EXPIRED


def test_what_is_over_stays_over():
    for status in (Status.CANCELLED, Status.EXPIRED, Status.REFUNDED):
        assert not TRANSITIONS[status]
    for order in (cancellation.cancel(placed(), "usr_1", "req_1", NOW), cancellation.expire(placed(), LATER)):
        with pytest.raises(IllegalTransition):
            cancellation.cancel(order, "usr_1", "req_2", LATER)
        with pytest.raises(IllegalTransition):
            cancellation.expire(order, LATER)


def test_every_status_has_its_moves_and_leads_to_known_ones():
    assert set(TRANSITIONS) == set(Status)
    assert {target for moves in TRANSITIONS.values() for target in moves.values()} <= set(Status)
    assert {move for moves in TRANSITIONS.values() for move in moves} == set(Transition)


def test_a_quote_must_say_where_to_and_to_whom():
    for address, email in ((ADDRESS, ""), (replace_country("FR"), "ada@example.com")):
        with pytest.raises(Invalid):
            agree(quote(), address, email, NOW, timedelta(minutes=30))
    with pytest.raises(Invalid):
        agree(quote(shipping_address=None), None, "ada@example.com", NOW, timedelta(minutes=30))


def replace_country(country: str):
    return ADDRESS.model_copy(update={"country": country})


@pytest.mark.parametrize("part", ["subtotal", "total"])
def test_a_quote_that_does_not_add_up_is_not_honoured(part):
    wrong = quote()
    wrong = wrong.model_copy(update={part: getattr(wrong, part) + Money(amount=1, currency="GBP")})
    with pytest.raises(ValueError, match="add up"):
        check(wrong)


def test_the_first_answer_can_be_given_again_whatever_came_after():
    first = placed()
    for later in (
        cancellation.cancel(first, "usr_1", "req_1", NOW),
        paying.apply_payment(first, told(TOTAL.amount, "pay_1"), NOW),
        cancellation.expire(first, LATER),
    ):
        again = replace(placing.as_placed(later), timeline=first.timeline, changed_at=first.changed_at)
        assert again == first
