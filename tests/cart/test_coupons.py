"""Staff create, update, list and delete coupons."""

import pytest

from cart.app.api import api
from cart.app.consume import consume
from cart.domain.promotions import Kind, Terms
from cart.service import coupons
from shared.dynamodb.idempotency import IdempotencyKey
from tests.cart.conftest import placed
from tests.cart.requests import SHOPPER, TEN_PERCENT, coupon, create_coupon, gbp
from tests.support import call, created_path, deliver, idempotency_headers, run_concurrently, staff


def test_staff_create_read_update_and_delete_coupons(cloud):
    created = create_coupon("spring-26", more={"usage_limit": 5, "starts_at": "2026-01-01T01:00:00+01:00"})
    assert (created.status, created.header("ETag")) == (201, '"1"')
    assert created.json == {
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
    assert coupon("Spring-26").json == created.json
    fixed = {"kind": "fixed", "value": gbp(500), "min_subtotal": gbp(2000)}
    changed = coupon("spring-26", "PUT", body=fixed, headers={"If-Match": '"1"'})
    assert (changed.status, changed.json["value"], changed.json["version"]) == (200, gbp(500), 2)
    assert changed.json["usage_limit"] is None
    assert coupon("SPRING-26", "PUT", body=fixed, headers={"If-Match": '"1"'}).status == 412
    assert coupon("SPRING-26", "DELETE", headers={"If-Match": '"1"'}).status == 412
    assert coupon("SPRING-26", "DELETE", headers={"If-Match": '"2"'}).status == 204
    for method, body in (("GET", None), ("PUT", fixed), ("DELETE", None)):
        assert coupon("SPRING-26", method, body=body).status == 404


def test_the_location_of_a_created_coupon_is_the_coupon(cloud):
    created = create_coupon("spring-26")
    path = created_path("/coupons", created)
    assert (path, call(api, "GET", path, caller=staff()).json) == ("/coupons/SPRING-26", created.json)


def test_a_code_is_unique_until_deleted_and_old_etags_never_match_again(cloud):
    create_coupon("SPRING")
    again = create_coupon("spring")
    assert (again.status, again.json["type"]) == (409, "/problems/coupon-exists")
    coupon("SPRING", "DELETE")
    assert create_coupon("SPRING").json["version"] == 3
    assert coupon("SPRING", "PUT", body=TEN_PERCENT, headers={"If-Match": '"1"'}).status == 412


def test_a_retry_of_a_crashed_creation_returns_the_created_coupon(cloud):
    headers = idempotency_headers("one try")
    key = IdempotencyKey.of(
        (staff().user_id, "POST", "/coupons"), "one try", {"code": "SPRING"} | TEN_PERCENT
    )
    coupons.create("SPRING", Terms(kind=Kind.PERCENTAGE, value=10), key)  # and no response was stored
    assert create_coupon("SPRING", headers=headers).status == 201
    assert create_coupon("SPRING", headers=headers).header("Idempotent-Replayed") == "true"
    assert create_coupon("SPRING", headers=idempotency_headers("another try")).status == 409


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
def test_an_invalid_coupon_names_the_invalid_field(cloud, more: dict, pointer: str):
    refused = create_coupon(more=more)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, pointer)


def test_the_code_of_a_coupon_cannot_be_changed(cloud):
    create_coupon("SPRING")
    assert coupon("SPRING", "PUT", body={"code": "spring"} | TEN_PERCENT).status == 200
    refused = coupon("SPRING", "PUT", body={"code": "SUMMER"} | TEN_PERCENT)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/code")


def test_coupons_are_listed_by_code_with_one_query_per_page(cloud, calls):
    for code in ("CCC", "AAA", "BBB", "AAB"):
        create_coupon(code)
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


def test_without_coupons_the_list_is_empty(cloud):
    assert call(api, "GET", "/coupons", caller=staff()).json == {"items": [], "next_cursor": None}


def test_only_staff_read_and_write_coupons(cloud):
    assert call(api, "GET", "/coupons", caller=SHOPPER).status == 403
    assert create_coupon(caller=SHOPPER).status == 403
    for method, body in (("GET", None), ("PUT", TEN_PERCENT), ("DELETE", None)):
        assert coupon("SPRING", method, caller=SHOPPER, body=body).status == 403


def test_of_concurrent_creations_of_one_code_exactly_one_succeeds(cloud):

    def attempt(value: int) -> int | None:
        try:
            coupons.create("SPRING", Terms(kind=Kind.PERCENTAGE, value=value), None)
        except coupons.CouponExists:
            return None
        return value

    created = run_concurrently(*(lambda value=value: attempt(value) for value in range(1, 6)))
    assert [value for value in created if value] == [int(coupon("SPRING").json["value"])]
    assert coupon("SPRING").json["version"] == 1
