"""Counting the orders that use a coupon, from their events."""

import itertools
from typing import Any

import pytest

from cart.app.consume import consume
from cart.tables.rows import UsesRow
from shared.contracts.events.envelope import Event
from shared.contracts.events.orders import OrderCancelled, OrderExpired
from shared.runtime import clock
from tests.cart.conftest import order, placed
from tests.cart.requests import TEN_PERCENT, cart, coupon, create_coupon, gbp, put_coupon, quote
from tests.support import deliver, run_concurrently


def ended(order_id: str = "ord_1", kind: Any = OrderCancelled, user_id: str = "usr_1", **data: Any) -> Event:
    event: Event = kind.of(order(order_id, user_id, **data), subject=order_id, version=2, at=clock.now())
    return event


def used(code: str = "SPRING", by: str = "usr_1") -> tuple[int, int]:
    """Return the stored counts of the orders that use the coupon: all orders, and one shopper's."""
    found = {row.pk: int(row.used) for row in UsesRow.scan()}
    return found.get(f"uses#{code}", 0), found.get(f"uses#{code}#{by}", 0)


@pytest.mark.parametrize("kind", [OrderCancelled, OrderExpired])
def test_repeated_and_reordered_events_count_an_order_until_it_ends(cloud, kind):
    create_coupon("SPRING")
    deliver(consume, placed("ord_0", "usr_2", coupon="SPRING"))
    for number, sequence in enumerate(itertools.product([0, 1], repeat=4), start=1):
        start = placed(f"ord_{number}", coupon="SPRING")
        end = ended(f"ord_{number}", kind, coupon="SPRING")
        assert deliver(consume, *((start, end)[which] for which in sequence), start) == []
        assert used() == ((2, 1) if 1 not in sequence else (1, 0))
        deliver(consume, end)
        assert used() == (1, 0)
    assert used(by="usr_2") == (1, 1)
    assert coupon("SPRING").json["used"] == 1


def test_an_end_that_arrives_first_never_shows_a_negative_count(cloud):
    create_coupon("SPRING")
    deliver(consume, ended(coupon="SPRING"))
    assert coupon("SPRING").json["used"] == 0
    deliver(consume, placed(coupon="SPRING"))
    assert used() == (0, 0)


def test_orders_without_a_coupon_are_not_counted(cloud):
    create_coupon("SPRING")
    assert deliver(consume, placed("ord_1"), ended("ord_1"), ended("ord_2", OrderExpired)) == []
    assert used() == (0, 0)


def test_counting_changes_no_etag_and_continues_after_deletion(cloud):
    create_coupon("SPRING")
    deliver(consume, placed(coupon="SPRING"))
    assert coupon("SPRING", "PUT", body=TEN_PERCENT, headers={"If-Match": '"1"'}).json["used"] == 1
    coupon("SPRING", "DELETE")
    deliver(consume, placed("ord_2", coupon="SPRING"))
    assert create_coupon("SPRING").json["used"] == 2


def test_an_order_removes_only_its_own_coupon_from_the_cart(shop):
    create_coupon("SPRING")
    create_coupon("FIVE", terms={"kind": "fixed", "value": gbp(500)})
    put_coupon("FIVE")
    deliver(consume, placed("ord_1", coupon="SPRING", A=1))
    assert cart()["coupon"] == "FIVE"
    event = placed("ord_2", coupon="FIVE", A=1)
    deliver(consume, event)
    assert (cart()["coupon"], cart()["item_count"]) == (None, 1)
    put_coupon("FIVE")
    deliver(consume, event)
    assert cart()["coupon"] == "FIVE"


def test_a_coupon_used_up_by_another_order_is_reported_before_ordering(shop):
    create_coupon("SPRING", more={"usage_limit": 1})
    put_coupon()
    deliver(consume, placed("ord_9", "usr_9", coupon="SPRING"))
    assert (cart()["coupon_reason"], quote()["coupon_reason"]) == ("used_up", "used_up")
    deliver(consume, ended("ord_9", user_id="usr_9", coupon="SPRING"))
    assert cart()["coupon_reason"] is None


def test_concurrent_events_count_each_order_once(cloud):
    create_coupon("SPRING")

    def deliver_events(number: int) -> list[str]:
        order_id = f"ord_{number % 6}"
        events: list[Event] = [placed(order_id, coupon="SPRING")]
        events += [ended(order_id, coupon="SPRING")] if number % 2 else []
        return [failed for event in events for failed in deliver(consume, event)]

    failures = run_concurrently(*(lambda number=number: deliver_events(number) for number in range(12)))
    assert failures == [[]] * 12
    assert used() == (3, 3)
