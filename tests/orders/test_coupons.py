"""Coupons with a limit: redeemed with the order, in its own transaction, and given back with it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from orders.app import sweep
from orders.tables.rows import CounterRow
from shared.contracts.quotes import CouponLimits, Quote
from shared.runtime import clock
from tests.orders.conftest import SHOPPER, declined, place, rows, token
from tests.orders.paid_orders import paid, pay, set_status
from tests.orders.samples import gbp, quote
from tests.orders.test_reading import cancel
from tests.support import Context, Identity, Reply, customer, guest


def with_coupon(user_id: str = "usr_1", overall: int | None = 10, per_user: int | None = None) -> Quote:
    made = quote(user_id=user_id, at=clock.now())
    first = made.lines[0].model_copy(update={"discount": gbp(100)})
    return made.model_copy(
        update={
            "lines": [first, *made.lines[1:]],
            "discount": gbp(100),
            "total": made.total - gbp(100),
            "coupon": "SUMMER",
            "coupon_limits": CouponLimits(overall=overall, per_user=per_user),
        }
    )


def order(made: Quote, key: str | None = None, caller: Identity = SHOPPER, **body: Any) -> Reply:
    return place({"quote_token": token(made), **body}, key, caller)


def used() -> dict[str, int]:
    """What each counter stands at, the shoppers' own ones as `by`."""
    found = {row.pk: int(row.value) for row in CounterRow.scan()}
    return {"by" if "#by_" in pk else pk: value for pk, value in found.items()}


def test_a_coupon_is_redeemed_with_its_order_however_often_it_is_sent(shop):
    made = with_coupon()
    first = order(made, "k")
    assert (first.status, first.json["coupon"], first.json["discount"]["amount"]) == (201, "SUMMER", 100)
    assert order(made, "k").text == first.text
    assert order(made, "other").status == 201
    assert used() == {"coupon#SUMMER": 1}


def test_one_too_many_is_refused_and_nothing_is_held(shop):
    for _ in range(2):
        assert order(with_coupon(overall=2)).status == 201
    refused = order(with_coupon(overall=2))
    assert (refused.status, refused.json["type"]) == (409, "/problems/coupon-not-applicable")
    assert (refused.json["reason"], refused.json["coupon"]) == ("used_up", "SUMMER")
    assert refused.json["discount"]["quoted"]["amount"] == 100
    assert (len(rows()), len(shop.held), used()) == (2, 2, {"coupon#SUMMER": 2})


def test_each_shopper_has_a_limit_and_a_guest_is_known_by_the_mail_address(shop):
    assert order(with_coupon(overall=None, per_user=1)).status == 201
    again = order(with_coupon(overall=None, per_user=1), email="other@example.com")
    assert (again.status, again.json["reason"]) == (409, "used_by_you")
    assert order(with_coupon("usr_2", None, 1), caller=customer("usr_2")).status == 201
    first = order(with_coupon("gst_1", None, 1), caller=guest("gst_1"), email="Ada@example.com")
    same = order(with_coupon("gst_2", None, 1), caller=guest("gst_2"), email="ada@example.com")
    assert (first.status, same.status) == (201, 409)


def test_a_coupon_without_limits_is_counted_nowhere(shop):
    assert order(with_coupon(overall=None)).status == 201
    assert used() == {}


@pytest.mark.parametrize("end", ["cancelled", "cancelled by staff", "expired", "refused"])
def test_a_use_comes_back_once_with_the_end_of_its_order(shop, time, end):
    if end == "refused":
        shop.reject = declined("out-of-stock")
    reply = order(with_coupon(overall=1, per_user=1))
    if end == "refused":
        assert reply.status == 409
        shop.reject = None
    else:
        assert used() == {"coupon#SUMMER": 1, "by": 1}
        made = reply.json
        if end == "expired":
            time.goes_on(minutes=31)
            assert sweep({}, Context()) == {"expired": 1}
        else:
            pay(made)
            ended = cancel(made["order_id"]) if end == "cancelled" else set_status(made, status="cancelled")
            assert ended.json["status"] == "cancelled"
            pay(made, "pay_late")
    assert used() == {"coupon#SUMMER": 0, "by": 0}
    assert order(with_coupon(overall=1, per_user=1)).status == 201
    assert used() == {"coupon#SUMMER": 1, "by": 1}


def test_a_use_stays_with_an_order_that_lives(shop):
    made = order(with_coupon()).json
    pay(made)
    set_status(made, status="shipped")
    assert paid()["coupon"] is None
    assert used() == {"coupon#SUMMER": 1}


def test_what_was_never_placed_gives_its_use_back(shop, time):
    shop.down = True
    assert order(with_coupon()).status == 503
    assert used() == {"coupon#SUMMER": 1}
    time.goes_on(minutes=3)
    assert sweep({}, Context()) == {"expired": 1}
    assert used() == {"coupon#SUMMER": 0}


def test_fifty_shoppers_use_the_last_ten_exactly(shop):
    shoppers = [customer(f"usr_{number}") for number in range(50)]
    quotes = [with_coupon(shopper.user_id) for shopper in shoppers]
    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda n: order(quotes[n], caller=shoppers[n]), range(50)))
    assert sorted(reply.status for reply in replies) == [201] * 10 + [409] * 40
    assert used() == {"coupon#SUMMER": 10}
    with ThreadPoolExecutor(10) as pool:
        ended = [
            pool.submit(cancel, reply.json["order_id"], shopper)
            for reply, shopper in zip(replies, shoppers, strict=True)
            if reply.status == 201
            for _ in range(2)
        ]
        assert sorted(job.result().status for job in ended) == [200] * 10 + [409] * 10
    assert used() == {"coupon#SUMMER": 0}
