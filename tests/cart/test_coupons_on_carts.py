"""Coupons on carts and in quotes."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from cart.app.api import api
from cart.app.commands import commands
from cart.app.consume import consume
from cart.service import carts, coupons
from shared.contracts import quotes
from shared.contracts.quotes import CouponLimits, Quote
from shared.runtime import clock
from shared.values.money import Money
from tests.cart.conftest import placed
from tests.cart.requests import (
    ADDRESS,
    KEY,
    SHOPPER,
    TEN_PERCENT,
    cart,
    coupon,
    create_coupon,
    gbp,
    put_coupon,
    put_shipping_method,
    put_tax,
    quote,
    remove_coupon,
)
from tests.support import Context, call, deliver, guest, run_concurrently


def test_a_percentage_coupon_discounts_the_cart(shop):
    create_coupon("SPRING")
    reply = put_coupon("spring")
    assert (reply.status, reply.header("ETag")) == (200, '"3"')
    assert (reply.json["coupon"], reply.json["coupon_reason"]) == ("SPRING", None)
    assert reply.json["discount"] == gbp(200 + 50)
    assert cart() == reply.json
    assert call(api, "POST", "/cart/items", body={"sku": "B", "quantity": 1}, caller=SHOPPER).json[
        "discount"
    ] == gbp(200 + 100)
    removed = remove_coupon()
    assert (removed.status, removed.json["coupon"], removed.json["discount"]) == (200, None, gbp(0))
    assert remove_coupon().json["version"] == removed.json["version"]


def test_a_guest_can_use_a_coupon(shop):
    create_coupon("SPRING")
    carts.add_item("gst_1", "A", 1)
    assert put_coupon(caller=guest()).json["discount"] == gbp(100)


def test_a_second_coupon_replaces_the_first(shop):
    create_coupon("SPRING")
    create_coupon("FIVE", terms={"kind": "fixed", "value": gbp(500)})
    put_coupon("SPRING")
    assert put_coupon("FIVE").json["discount"] == gbp(500)
    assert cart()["coupon"] == "FIVE"


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (None, "unknown"),
        (TEN_PERCENT | {"starts_at": "2999-01-01T00:00:00Z"}, "not_started"),
        (TEN_PERCENT | {"ends_at": "2020-01-01T00:00:00Z"}, "ended"),
        (TEN_PERCENT | {"min_subtotal": gbp(2500)}, "minimum"),
        ({"kind": "fixed", "value": gbp(500, "EUR")}, "currency"),
        (TEN_PERCENT | {"category_ids": ["mugs"], "skus": ["C"]}, "nothing_eligible"),
        (TEN_PERCENT | {"usage_limit": 1}, "used_up"),
        (TEN_PERCENT | {"per_user_limit": 1}, "used_by_you"),
    ],
)
def test_a_coupon_that_does_not_apply_is_rejected_with_its_reason(shop, terms, reason):
    if terms:
        assert create_coupon("SPRING", terms=terms).status == 201
    deliver(consume, placed(coupon="SPRING"))
    before = cart()
    refused = put_coupon()
    assert (refused.status, refused.json["type"]) == (422, "/problems/coupon-not-applicable")
    assert refused.json["reason"] == reason
    assert refused.json["errors"][0]["pointer"] == "/code"
    assert refused.json.get("missing") == (gbp(1) if reason == "minimum" else None)
    assert cart() == before


def test_a_text_that_cannot_be_a_code_is_an_unknown_coupon(shop):
    assert put_coupon("100 % off!").json["reason"] == "unknown"
    assert put_coupon("").status == 422
    assert coupon("ab").status == 404


def test_a_stale_if_match_neither_adds_nor_removes_a_coupon(shop):
    create_coupon("SPRING")
    assert put_coupon(headers={"If-Match": '"1"'}).status == 412
    assert put_coupon(headers={"If-Match": '"2"'}).status == 200
    assert remove_coupon(headers={"If-Match": '"2"'}).status == 412
    assert cart()["coupon"] == "SPRING"
    assert remove_coupon(headers={"If-Match": '"3"'}).status == 200


def test_a_coupon_that_no_longer_applies_stays_with_its_reason(shop):
    create_coupon("SPRING", more={"min_subtotal": gbp(2000)})
    put_coupon()
    fewer = call(api, "PUT", "/cart/items/A", body={"quantity": 1}, caller=SHOPPER).json
    for shown in (fewer, cart()):
        assert (shown["coupon"], shown["coupon_reason"], shown["discount"]) == ("SPRING", "minimum", gbp(0))
    quoted = quote()
    assert (quoted["coupon"], quoted["coupon_reason"], quoted["discount"]) == (None, "minimum", gbp(0))
    coupon("SPRING", "DELETE")
    assert cart()["coupon_reason"] == quote()["coupon_reason"] == "unknown"
    create_coupon("SPRING")
    assert (cart()["coupon_reason"], cart()["discount"]) == (None, gbp(100 + 50))


def test_clearing_a_cart_removes_its_coupon(shop):
    create_coupon("SPRING")
    put_coupon()
    call(api, "DELETE", "/cart", caller=SHOPPER)
    assert (cart()["items"], cart()["coupon"]) == ([], None)


def test_a_quote_has_discount_and_tax_per_line_and_the_coupon_limits(shop):
    put_tax("GB", 2000, inclusive=False)
    create_coupon("TEA", more={"category_ids": ["tea"], "usage_limit": 9, "per_user_limit": 2})
    put_coupon("TEA")
    quoted = quote(shipping_address=ADDRESS)
    lines = [(line["sku"], line["discount"], line["tax"]) for line in quoted["lines"]]
    assert lines == [("A", gbp(200), gbp(360)), ("B", None, gbp(100))]  # 1798 / 5 = 359.6, 501 / 5 = 100.2
    assert quoted["shipping_tax"] == gbp(79)
    assert {
        part: quoted[part]["amount"] for part in ("subtotal", "discount", "shipping", "tax", "total")
    } == {
        "subtotal": 2499,
        "discount": 200,
        "shipping": 395,
        "tax": 360 + 100 + 79,
        "total": 2499 - 200 + 395 + 539,
    }
    assert (quoted["coupon"], quoted["coupon_reason"]) == ("TEA", None)
    signed = quotes.read(quoted["quote_token"], KEY, clock.now())
    assert (signed.coupon, signed.coupon_limits) == ("TEA", CouponLimits(overall=9, per_user=2))
    assert (signed.tax_inclusive, signed.shipping_tax, signed.lines[1].discount) == (
        False,
        Money(amount=79, currency="GBP"),
        None,
    )


def test_the_quote_command_returns_the_coupon_and_its_limits(shop):
    create_coupon("SPRING", more={"per_user_limit": 1})
    put_coupon()
    payload = {"command": "quote", "input": {"user_id": "usr_1", "country": "GB"}, "request_id": "r"}
    quoted = Quote.model_validate(commands(payload, Context())["output"])
    assert (quoted.coupon, quoted.coupon_limits) == ("SPRING", CouponLimits(overall=None, per_user=1))
    assert quoted.discount.amount == 250


def test_a_coupon_without_limits_puts_none_in_the_quote(shop):
    create_coupon("SPRING")
    put_coupon()
    assert quotes.read(quote()["quote_token"], KEY, clock.now()).coupon_limits is None


def test_free_shipping_waives_every_method_and_keeps_the_default(shop):
    put_tax("GB", 2000)
    put_shipping_method("express", (0, 995))
    create_coupon("SHIP", terms={"kind": "free_shipping"})
    assert put_coupon("SHIP").json["discount"] == gbp(0)
    quoted = quote()
    assert (quoted["shipping_method"], quoted["shipping"], quoted["shipping_tax"]) == ("post", gbp(0), None)
    assert [(offer["method"], offer["price"]) for offer in quoted["shipping_methods"]] == [
        ("post", gbp(0)),
        ("express", gbp(0)),
    ]
    assert quoted["total"] == gbp(2499)
    assert quote(country="GB", shipping_method="express")["shipping"] == gbp(0)


def test_a_coupon_adds_no_read_to_a_cart_or_a_quote(shop, calls):
    create_coupon("SPRING")
    put_coupon()
    calls.clear()
    cart()
    assert calls == ["BatchGetItem", "BatchGetItem"]
    calls.clear()
    quote()
    assert calls == ["BatchGetItem", "BatchGetItem"]
    calls.clear()
    carts.add_item("usr_1", "A", 1)
    assert calls == ["BatchGetItem", "BatchGetItem", "PutItem"]


def test_concurrent_changes_of_items_and_coupon_are_all_kept(shop):
    create_coupon("SPRING")

    def each(*actions: Callable[[], object]) -> None:
        for action in actions:
            action()

    def add() -> None:
        carts.add_item("usr_1", "B", 1)

    def put() -> None:
        coupons.put_on_cart("usr_1", "spring", None)

    def remove() -> None:
        coupons.remove_from_cart("usr_1", None)

    run_concurrently(
        lambda: each(add, add, add),
        lambda: each(add, add, add),
        lambda: each(put, remove, put),
        lambda: each(add, put),
    )
    shown = cart()
    assert {item["sku"]: item["quantity"] for item in shown["items"]} == {"A": 2, "B": 1 + 7}
    assert shown["coupon_reason"] is None
    assert shown["discount"] in (gbp(0), gbp(200 + 401))  # all of the coupon or none of it


def test_a_coupon_ends_on_carts_that_have_it(shop, monkeypatch):
    create_coupon("SPRING", more={"ends_at": f"{clock.now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"})
    put_coupon()
    later = clock.now() + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert cart()["coupon_reason"] == "ended"
