"""Coupons that orders hold and give back, by what is heard of them."""

import itertools
from typing import Any

import pytest

from cart.app import consume
from cart.tables.rows import UsesRow
from shared.contracts.events import Event, OrderCancelled, OrderExpired
from shared.runtime import clock
from tests.cart.conftest import order, placed
from tests.cart.requests import TENTH, cart, coupon, gbp, make_coupon, put_on, quote
from tests.support import deliver, run_concurrently


def ended(order_id: str = "ord_1", kind: Any = OrderCancelled, user_id: str = "usr_1", **of: Any) -> Event:
    event: Event = kind.of(order(order_id, user_id, **of), subject=order_id, version=2, at=clock.now())
    return event


def used(code: str = "SPRING", by: str = "usr_1") -> tuple[int, int]:
    """How many orders hold it, in all and of one shopper's, as the rows have it."""
    found = {row.pk: int(row.held) for row in UsesRow.scan()}
    return found.get(f"uses#{code}", 0), found.get(f"uses#{code}#{by}", 0)


@pytest.mark.parametrize("kind", [OrderCancelled, OrderExpired])
def test_an_order_holds_a_coupon_until_it_ends_however_often_and_in_whatever_order_that_is_heard(cloud, kind):
    make_coupon("SPRING")
    deliver(consume, placed("ord_0", "usr_2", coupon="SPRING"))
    for number, order_of in enumerate(itertools.product([0, 1], repeat=4), start=1):
        begun = placed(f"ord_{number}", coupon="SPRING")
        over = ended(f"ord_{number}", kind, coupon="SPRING")
        assert deliver(consume, *((begun, over)[which] for which in order_of), begun) == []
        assert used() == ((2, 1) if over_is_missing(order_of) else (1, 0))
        deliver(consume, over)
        assert used() == (1, 0)
    assert used(by="usr_2") == (1, 1)
    assert coupon("SPRING").json["used"] == 1


def over_is_missing(order_of: tuple[int, ...]) -> bool:
    return 1 not in order_of


def test_an_end_heard_first_never_shows_as_less_than_none(cloud):
    make_coupon("SPRING")
    deliver(consume, ended(coupon="SPRING"))
    assert coupon("SPRING").json["used"] == 0
    deliver(consume, placed(coupon="SPRING"))
    assert used() == (0, 0)


def test_orders_without_a_coupon_count_nothing(cloud):
    make_coupon("SPRING")
    assert deliver(consume, placed("ord_1"), ended("ord_1"), ended("ord_2", OrderExpired)) == []
    assert used() == (0, 0)


def test_counting_wears_out_no_etag_and_outlives_the_coupon(cloud):
    make_coupon("SPRING")
    deliver(consume, placed(coupon="SPRING"))
    assert coupon("SPRING", "PUT", body=TENTH, headers={"If-Match": '"1"'}).json["used"] == 1
    coupon("SPRING", "DELETE")
    deliver(consume, placed("ord_2", coupon="SPRING"))
    assert make_coupon("SPRING").json["used"] == 2


def test_an_order_takes_its_coupon_off_the_cart_and_no_other(shop):
    make_coupon("SPRING")
    make_coupon("FIVE", terms={"kind": "fixed", "value": gbp(500)})
    put_on("FIVE")
    deliver(consume, placed("ord_1", coupon="SPRING", A=1))
    assert cart()["coupon"] == "FIVE"
    event = placed("ord_2", coupon="FIVE", A=1)
    deliver(consume, event)
    assert (cart()["coupon"], cart()["item_count"]) == (None, 1)
    put_on("FIVE")
    deliver(consume, event)
    assert cart()["coupon"] == "FIVE"


def test_a_coupon_used_up_elsewhere_says_so_before_anybody_orders(shop):
    make_coupon("SPRING", more={"usage_limit": 1})
    put_on()
    deliver(consume, placed("ord_9", "usr_9", coupon="SPRING"))
    assert (cart()["coupon_reason"], quote()["coupon_reason"]) == ("used_up", "used_up")
    deliver(consume, ended("ord_9", user_id="usr_9", coupon="SPRING"))
    assert cart()["coupon_reason"] is None


def test_news_of_many_orders_at_once_count_each_once(cloud):
    make_coupon("SPRING")

    def hear_of(number: int) -> list[str]:
        order_id = f"ord_{number % 6}"
        news: list[Event] = [placed(order_id, coupon="SPRING")]
        news += [ended(order_id, coupon="SPRING")] if number % 2 else []
        return [failed for event in news for failed in deliver(consume, event)]

    assert run_concurrently(*(lambda number=number: hear_of(number) for number in range(12))) == [[]] * 12
    assert used() == (3, 3)
