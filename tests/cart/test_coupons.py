"""Coupons as staff make, change, list and delete them."""

import pytest

from cart.app import api, consume
from cart.domain.promotions import Kind, Terms
from cart.service import coupons
from shared.dynamodb.idempotency import IdempotencyKey
from tests.cart.conftest import placed
from tests.cart.requests import SHOPPER, TENTH, coupon, gbp, make_coupon
from tests.support import call, deliver, idempotency_headers, run_concurrently, staff


def test_staff_make_read_change_and_delete_coupons(cloud):
    made = make_coupon("spring-26", more={"usage_limit": 5, "starts_at": "2026-01-01T01:00:00+01:00"})
    assert (made.status, made.header("ETag")) == (201, '"1"')
    assert made.json == {
        "code": "SPRING-26",
        "kind": "percentage",
        "value": 10,
        "min_subtotal": None,
        "starts_at": "2026-01-01T00:00:00Z",
        "ends_at": None,
        "usage_limit": 5,
        "per_user_limit": None,
        "category_ids": [],
        "skus": [],
        "used": 0,
        "version": 1,
    }
    assert coupon("Spring-26").json == made.json
    fixed = {"kind": "fixed", "value": gbp(500), "min_subtotal": gbp(2000)}
    changed = coupon("spring-26", "PUT", body=fixed, headers={"If-Match": '"1"'})
    assert (changed.status, changed.json["value"], changed.json["version"]) == (200, gbp(500), 2)
    assert changed.json["usage_limit"] is None
    assert coupon("SPRING-26", "PUT", body=fixed, headers={"If-Match": '"1"'}).status == 412
    assert coupon("SPRING-26", "DELETE", headers={"If-Match": '"1"'}).status == 412
    assert coupon("SPRING-26", "DELETE", headers={"If-Match": '"2"'}).status == 204
    for method, body in (("GET", None), ("PUT", fixed), ("DELETE", None)):
        assert coupon("SPRING-26", method, body=body).status == 404


def test_a_code_is_taken_once_until_it_is_deleted_and_no_old_etag_fits_what_comes_after(cloud):
    make_coupon("SPRING")
    again = make_coupon("spring")
    assert (again.status, again.json["type"]) == (409, "/problems/coupon-exists")
    coupon("SPRING", "DELETE")
    assert make_coupon("SPRING").json["version"] == 3
    assert coupon("SPRING", "PUT", body=TENTH, headers={"If-Match": '"1"'}).status == 412


def test_a_coupon_made_by_a_call_that_died_is_found_made_by_its_retry(cloud):
    headers = idempotency_headers("one try")
    key = IdempotencyKey.of((staff().user_id, "POST", "/coupons"), "one try", {"code": "SPRING"} | TENTH)
    coupons.make("SPRING", Terms(kind=Kind.PERCENTAGE, value=10), key)  # and no answer was kept
    assert make_coupon("SPRING", headers=headers).status == 201
    assert make_coupon("SPRING", headers=headers).header("Idempotent-Replayed") == "true"
    assert make_coupon("SPRING", headers=idempotency_headers("another try")).status == 409


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"code": "no"}, "/code"),
        ({"code": "SPRING 26"}, "/code"),
        ({"value": 101}, "/value"),
        ({"kind": "fixed", "value": gbp(0)}, "/value"),
        ({"kind": "fixed", "value": gbp(5, "ZZZ")}, "/value"),
        ({"kind": "fixed", "value": gbp(5, "ISK")}, "/value"),
        ({"min_subtotal": gbp(-1)}, "/min_subtotal/amount"),
        ({"min_subtotal": gbp(5, "ZZZ")}, "/min_subtotal"),
        ({"surprise": 1}, "/surprise"),
    ],
)
def test_a_wrong_coupon_is_invalid_where_it_is_wrong(cloud, more: dict, pointer: str):
    refused = make_coupon(more=more)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, pointer)


def test_a_coupon_keeps_its_code(cloud):
    make_coupon("SPRING")
    assert coupon("SPRING", "PUT", body={"code": "spring"} | TENTH).status == 200
    refused = coupon("SPRING", "PUT", body={"code": "SUMMER"} | TENTH)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/code")


def test_coupons_are_listed_by_code_in_pages_of_one_query(cloud, calls):
    for code in ("CCC", "AAA", "BBB", "AAB"):
        make_coupon(code)
    coupon("AAB", "DELETE")
    deliver(consume, placed(coupon="AAA"))
    calls.clear()
    first = call(api, "GET", "/coupons?limit=2", caller=staff()).json
    assert calls == ["Query", "BatchGetItem"]
    assert [(item["code"], item["used"]) for item in first["items"]] == [("AAA", 1), ("BBB", 0)]
    second = call(api, "GET", f"/coupons?limit=2&cursor={first['next_cursor']}", caller=staff()).json
    assert [item["code"] for item in second["items"]] == ["CCC"]
    assert second["next_cursor"] is None
    altered = f"/coupons?cursor={first['next_cursor'][:-2]}xx"
    assert call(api, "GET", altered, caller=staff()).status == 400


def test_an_empty_list_of_coupons_is_a_list(cloud):
    assert call(api, "GET", "/coupons", caller=staff()).json == {"items": [], "next_cursor": None}


def test_only_staff_see_and_change_coupons(cloud):
    assert call(api, "GET", "/coupons", caller=SHOPPER).status == 403
    assert make_coupon(caller=SHOPPER).status == 403
    for method, body in (("GET", None), ("PUT", TENTH), ("DELETE", None)):
        assert coupon("SPRING", method, caller=SHOPPER, body=body).status == 403


def test_one_of_many_who_make_the_same_coupon_at_once_makes_it(cloud):

    def attempt(value: int) -> int | None:
        try:
            coupons.make("SPRING", Terms(kind=Kind.PERCENTAGE, value=value), None)
        except coupons.CouponExists:
            return None
        return value

    made = run_concurrently(*(lambda value=value: attempt(value) for value in range(1, 6)))
    assert [value for value in made if value] == [int(coupon("SPRING").json["value"])]
    assert coupon("SPRING").json["version"] == 1
