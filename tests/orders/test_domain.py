"""The rules of orders, with plain values."""

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
from tests.orders.samples import ADDRESS, NOW, payment_update, quote

TOTAL = quote().total
LATE = RefundKey("pay_1:late")
LATER = NOW + timedelta(hours=1)


def terms(now: datetime = NOW) -> Terms:
    return agree(quote(), ADDRESS, "ada@example.com", now, timedelta(minutes=30))


def placed() -> Order:
    return placing.place(placing.open_order("ord_1", "usr_1", NOW), terms())


def test_a_payment_of_the_exact_total_pays_the_order():
    paid = paying.apply_payment(placed(), payment_update(TOTAL.amount, "pay_1"), LATER)
    assert (paid.status, paid.payment_id, paid.expires_at) == (Status.PAID, "pay_1", None)
    assert paying.apply_payment(paid, payment_update(TOTAL.amount, "pay_1"), LATER) is paid


@pytest.mark.parametrize("amount", [TOTAL.amount - 1, TOTAL.amount + 1])
def test_a_payment_of_another_amount_is_due_for_refund(amount):
    order = paying.apply_payment(placed(), payment_update(amount), LATER)
    assert order.status is Status.AWAITING_PAYMENT
    assert order.refunds_due[LATE].amount.amount == amount


@pytest.mark.parametrize("end", ["cancel", "expire", "paid by another"])
def test_a_late_payment_is_due_for_refund_once(end):
    order = placed()
    order = {
        "cancel": lambda: cancellation.cancel(order, "usr_1", "req_1", NOW),
        "expire": lambda: cancellation.expire(order, LATER),
        "paid by another": lambda: paying.apply_payment(order, payment_update(TOTAL.amount, "pay_0"), NOW),
    }[end]()
    late = paying.apply_payment(order, payment_update(TOTAL.amount, "pay_1"), LATER)
    assert late.status is order.status
    assert late.refunds_due[LATE].amount == TOTAL
    assert paying.apply_payment(late, payment_update(TOTAL.amount, "pay_1"), LATER) is late


def test_a_payment_of_a_pending_order_is_retried():
    with pytest.raises(OrderNotPlacedError):
        paying.apply_payment(
            placing.open_order("ord_1", "usr_1", NOW), payment_update(TOTAL.amount, "pay_1"), NOW
        )


def test_an_order_expires_at_its_deadline_and_not_before():
    with pytest.raises(IllegalTransition):
        cancellation.expire(placed(), NOW + timedelta(minutes=29))
    assert cancellation.expire(placed(), NOW + timedelta(minutes=30)).status is Status.EXPIRED


def test_closed_orders_stay_closed():
    for status in (Status.CANCELLED, Status.EXPIRED, Status.REFUNDED):
        assert not TRANSITIONS[status]
    for order in (cancellation.cancel(placed(), "usr_1", "req_1", NOW), cancellation.expire(placed(), LATER)):
        with pytest.raises(IllegalTransition):
            cancellation.cancel(order, "usr_1", "req_2", LATER)
        with pytest.raises(IllegalTransition):
            cancellation.expire(order, LATER)


def test_the_transition_table_is_complete():
    assert set(TRANSITIONS) == set(Status)
    assert {status for row in TRANSITIONS.values() for status in row.values()} <= set(Status)
    assert {transition for row in TRANSITIONS.values() for transition in row} == set(Transition)


def test_an_order_needs_an_address_and_an_email():
    for address, email in ((ADDRESS, ""), (replace_country("FR"), "ada@example.com")):
        with pytest.raises(Invalid):
            agree(quote(), address, email, NOW, timedelta(minutes=30))
    with pytest.raises(Invalid):
        agree(quote(shipping_address=None), None, "ada@example.com", NOW, timedelta(minutes=30))


def replace_country(country: str):
    return ADDRESS.model_copy(update={"country": country})


@pytest.mark.parametrize("part", ["subtotal", "total"])
def test_a_quote_that_does_not_add_up_is_rejected(part):
    wrong = quote()
    wrong = wrong.model_copy(update={part: getattr(wrong, part) + Money(amount=1, currency="GBP")})
    with pytest.raises(ValueError, match="add up"):
        check(wrong)


def test_the_first_response_can_be_derived_from_any_later_state():
    first = placed()
    for later in (
        cancellation.cancel(first, "usr_1", "req_1", NOW),
        paying.apply_payment(first, payment_update(TOTAL.amount, "pay_1"), NOW),
        cancellation.expire(first, LATER),
    ):
        again = replace(placing.as_placed(later), timeline=first.timeline, changed_at=first.changed_at)
        assert again == first
