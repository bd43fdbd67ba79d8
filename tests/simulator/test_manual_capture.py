"""Manual capture: payments are captured per fulfilment, renewed or voided; the invariants hold."""

import pytest

from tests.simulator import invariants, shopping
from tests.simulator.shopping import ADA

ON_HAND = {"A": 5}


@pytest.fixture
def shop(simulator):
    simulator.capture = "manual"
    shopping.open_shop(simulator, ON_HAND)
    return simulator


def order():
    (found,) = invariants.orders()
    return found


def deliver_and_check(shop) -> None:
    shop.pump()
    invariants.check(shop, ON_HAND)
    invariants.check_sequences(shop)


def test_each_fulfilment_captures_its_share_and_the_last_the_rest(shop):
    order_id = shopping.paid_order(shop, ADA, "A", 3)
    assert order().captured == 0
    assert shopping.ship(shop, order_id, "first", {"A": 1}).status == 201
    deliver_and_check(shop)
    assert order().captured == shopping.PRICE + shopping.DELIVERY
    assert shopping.ship(shop, order_id, "second").status == 201
    deliver_and_check(shop)
    assert order().captured == order().agreed_terms.total.amount
    kinds = [entry.type.value for entry in order().timeline]
    assert kinds.count("payment.captured") == 2


def test_cancelling_an_authorized_order_voids_it_without_a_refund(shop):
    order_id = shopping.paid_order(shop, ADA, "A", 2)
    assert shopping.cancel(shop, ADA, order_id, "cancel").status == 200
    deliver_and_check(shop)
    assert (order().status, order().refunded, order().captured) == ("cancelled", 0, 0)
    assert shop.stripe_objects("refund") == []
    assert [entry.type.value for entry in order().timeline][-1] == "payment.voided"


def test_an_expired_authorization_cancels_the_order(shop):
    shopping.paid_order(shop, ADA, "A", 2)
    shop.advance(days=8)
    shop.run_schedules()
    deliver_and_check(shop)
    assert (order().status, order().reason) == (
        "cancelled",
        "authorization_expired",
    )


def test_an_authorization_can_be_renewed_before_it_expires(shop):
    order_id = shopping.paid_order(shop, ADA, "A", 2)
    first = order().payment_id
    assert not shopping.pay(shop, ADA, order_id), "the authorization cannot be renewed yet"
    shop.advance(days=6, hours=6)
    shop.run_schedules()
    deliver_and_check(shop)
    assert "payment.expiring" in [entry.type.value for entry in order().timeline]
    assert shopping.pay(shop, ADA, order_id)
    deliver_and_check(shop)
    shop.run_schedules()
    deliver_and_check(shop)
    assert (order().status.value, order().payment_id > first) == ("paid", True)
    shop.advance(days=1)
    shop.run_schedules()
    deliver_and_check(shop)
    assert shopping.ship(shop, order_id, "all").status == 201
    deliver_and_check(shop)
    assert order().captured == order().agreed_terms.total.amount


def test_a_return_refunds_what_was_captured_for_it(shop):
    order_id = shopping.paid_order(shop, ADA, "A", 3)
    shopping.ship(shop, order_id, "first", {"A": 2})
    deliver_and_check(shop)
    made = shopping.request_return(shop, ADA, order_id, {"A": 2}, "back").json["return_id"]
    for status in ("approved", "received"):
        assert shopping.decide_return(shop, order_id, made, status).status == 200
    deliver_and_check(shop)
    assert order().refunded == 2 * shopping.PRICE
    shopping.ship(shop, order_id, "rest")
    deliver_and_check(shop)
    assert order().captured == order().agreed_terms.total.amount
