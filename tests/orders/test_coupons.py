"""Coupons with limits: redeemed in the order's transaction and released when the order ends."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from orders.app.sweep import sweep
from orders.tables.rows import CounterRow
from shared.contracts.quotes import CouponLimits, Quote
from shared.runtime import clock
from tests.orders.conftest import SHOPPER, place, problem_of, rows, token
from tests.orders.paid_orders import paid, pay, set_status
from tests.orders.samples import gbp, quote
from tests.orders.test_reading import cancel
from tests.support import Context, Identity, Reply, customer, guest


def with_coupon(user_id: str = "usr_1", overall: int | None = 10, per_user: int | None = None) -> Quote:
    quoted = quote(user_id=user_id, at=clock.now())
    first = quoted.lines[0].model_copy(update={"discount": gbp(100)})
    return quoted.model_copy(
        update={
            "lines": [first, *quoted.lines[1:]],
            "discount": gbp(100),
            "total": quoted.total - gbp(100),
            "coupon": "SUMMER",
            "coupon_limits": CouponLimits(overall=overall, per_user=per_user),
        }
    )


def order(quoted: Quote, key: str | None = None, caller: Identity = SHOPPER, **body: Any) -> Reply:
    return place({"quote_token": token(quoted), **body}, key, caller)


def counters() -> dict[str, int]:
    """Return each counter's value; the counters of shoppers are called `by`."""
    found = {row.pk: int(row.value) for row in CounterRow.scan()}
    return {"by" if "#by_" in pk else pk: value for pk, value in found.items()}


def test_repeated_requests_redeem_a_coupon_once(shop):
    quoted = with_coupon()
    first = order(quoted, "k")
    assert (first.status, first.json["coupon"], first.json["discount"]["amount"]) == (201, "SUMMER", 100)
    assert order(quoted, "k").text == first.text
    assert order(quoted, "other").status == 201
    assert counters() == {"coupon#SUMMER": 1}


def test_a_coupon_at_its_limit_is_rejected_without_reservation(shop):
    for _ in range(2):
        assert order(with_coupon(overall=2)).status == 201
    rejected = order(with_coupon(overall=2))
    assert (rejected.status, rejected.json["type"]) == (409, "/problems/coupon-not-applicable")
    assert (rejected.json["reason"], rejected.json["coupon"]) == ("used_up", "SUMMER")
    assert rejected.json["discount"]["quoted"]["amount"] == 100
    assert (len(rows()), len(shop.reserved), counters()) == (2, 2, {"coupon#SUMMER": 2})


def test_the_limit_per_shopper_counts_guests_by_email(shop):
    assert order(with_coupon(overall=None, per_user=1)).status == 201
    again = order(with_coupon(overall=None, per_user=1), email="other@example.com")
    assert (again.status, again.json["reason"]) == (409, "used_by_you")
    assert order(with_coupon("usr_2", None, 1), caller=customer("usr_2")).status == 201
    first = order(with_coupon("gst_1", None, 1), caller=guest("gst_1"), email="Ada@example.com")
    same = order(with_coupon("gst_2", None, 1), caller=guest("gst_2"), email="ada@example.com")
    assert (first.status, same.status) == (201, 409)


def test_a_coupon_without_limits_has_no_counter(shop):
    assert order(with_coupon(overall=None)).status == 201
    assert counters() == {}


@pytest.mark.parametrize("end", ["cancelled", "cancelled by staff", "expired", "rejected"])
def test_the_end_of_an_order_releases_its_coupon_once(shop, time, end):
    if end == "rejected":
        shop.rejection = problem_of("out-of-stock")
    reply = order(with_coupon(overall=1, per_user=1))
    if end == "rejected":
        assert reply.status == 409
        shop.rejection = None
    else:
        assert counters() == {"coupon#SUMMER": 1, "by": 1}
        placed = reply.json
        if end == "expired":
            time.advance(minutes=31)
            assert sweep({}, Context()) == {"expired": 1}
        else:
            pay(placed)
            ended = (
                cancel(placed["order_id"]) if end == "cancelled" else set_status(placed, status="cancelled")
            )
            assert ended.json["status"] == "cancelled"
            pay(placed, "pay_late")
    assert counters() == {"coupon#SUMMER": 0, "by": 0}
    assert order(with_coupon(overall=1, per_user=1)).status == 201
    assert counters() == {"coupon#SUMMER": 1, "by": 1}


def test_a_shipped_order_keeps_its_coupon(shop):
    placed = order(with_coupon()).json
    pay(placed)
    set_status(placed, status="shipped")
    assert paid()["coupon"] is None
    assert counters() == {"coupon#SUMMER": 1}


def test_an_order_that_was_never_placed_releases_its_coupon(shop, time):
    shop.unreachable = True
    assert order(with_coupon()).status == 503
    assert counters() == {"coupon#SUMMER": 1}
    time.advance(minutes=3)
    assert sweep({}, Context()) == {"expired": 1}
    assert counters() == {"coupon#SUMMER": 0}


def test_fifty_concurrent_shoppers_redeem_exactly_ten_coupons(shop):
    shoppers = [customer(f"usr_{number}") for number in range(50)]
    quotes = [with_coupon(shopper.user_id) for shopper in shoppers]
    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda n: order(quotes[n], caller=shoppers[n]), range(50)))
    assert sorted(reply.status for reply in replies) == [201] * 10 + [409] * 40
    assert counters() == {"coupon#SUMMER": 10}
    with ThreadPoolExecutor(10) as pool:
        ended = [
            pool.submit(cancel, reply.json["order_id"], shopper)
            for reply, shopper in zip(replies, shoppers, strict=True)
            if reply.status == 201
            for _ in range(2)
        ]
        assert sorted(job.result().status for job in ended) == [200] * 10 + [409] * 10
    assert counters() == {"coupon#SUMMER": 0}
