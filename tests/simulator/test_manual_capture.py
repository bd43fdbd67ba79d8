"""Money that is held until goods leave: captured parcel by parcel, renewed, let go of; the books balance."""

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


def rest(shop) -> None:
    shop.pump()
    invariants.check(shop, ON_HAND)
    invariants.check_sequences(shop)


def test_each_parcel_brings_what_is_due_for_it_and_the_last_brings_the_rest(shop):
    order_id = shopping.paid(shop, ADA, "A", 3)
    assert order().captured == 0
    assert shopping.ship(shop, order_id, "first", {"A": 1}).status == 201
    rest(shop)
    assert order().captured == shopping.PRICE + shopping.DELIVERY
    assert shopping.ship(shop, order_id, "second").status == 201
    rest(shop)
    assert order().captured == order().agreed.total.amount
    kinds = [entry.type.value for entry in order().timeline]
    assert kinds.count("payment.captured") == 2


def test_who_cancels_gets_the_hold_back_and_nothing_is_refunded(shop):
    order_id = shopping.paid(shop, ADA, "A", 2)
    assert shopping.cancel(shop, ADA, order_id, "cancel").status == 200
    rest(shop)
    assert (order().status, order().refunded, order().captured) == ("cancelled", 0, 0)
    assert shop.stripe_objects("refund") == []
    assert [entry.type.value for entry in order().timeline][-1] == "payment.voided"


def test_a_hold_that_lapses_gives_the_stock_back(shop):
    shopping.paid(shop, ADA, "A", 2)
    shop.advance(days=8)
    shop.tend()
    rest(shop)
    assert (order().status, order().reason) == (
        "cancelled",
        "the hold on the card ended before it was shipped",
    )


def test_who_pays_anew_in_time_keeps_the_order(shop):
    order_id = shopping.paid(shop, ADA, "A", 2)
    first = order().payment_id
    assert not shopping.pay(shop, ADA, order_id), "there is time yet"
    shop.advance(days=6, hours=6)
    shop.tend()
    rest(shop)
    assert "payment.expiring" in [entry.type.value for entry in order().timeline]
    assert shopping.pay(shop, ADA, order_id)
    rest(shop)
    shop.tend()
    rest(shop)
    assert (order().status.value, order().payment_id > first) == ("paid", True)
    shop.advance(days=1)
    shop.tend()
    rest(shop)
    assert shopping.ship(shop, order_id, "all").status == 201
    rest(shop)
    assert order().captured == order().agreed.total.amount


def test_goods_that_come_back_bring_what_was_captured_for_them(shop):
    order_id = shopping.paid(shop, ADA, "A", 3)
    shopping.ship(shop, order_id, "first", {"A": 2})
    rest(shop)
    made = shopping.ask_to_return(shop, ADA, order_id, {"A": 2}, "back").json["return_id"]
    for status in ("approved", "received"):
        assert shopping.settle_return(shop, order_id, made, status).status == 200
    rest(shop)
    assert order().refunded == 2 * shopping.PRICE
    shopping.ship(shop, order_id, "rest")
    rest(shop)
    assert order().captured == order().agreed.total.amount
