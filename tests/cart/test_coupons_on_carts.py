"""A coupon on a cart: what it does, why it does not, and what a quote says of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from cart.app import api, commands, consume
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
    TENTH,
    cart,
    coupon,
    gbp,
    make_coupon,
    put_method,
    put_on,
    put_tax,
    quote,
    take_off,
)
from tests.support import Context, call, deliver, guest, run_concurrently


def test_a_coupon_on_a_cart_takes_its_per_cent_off(shop):
    make_coupon("SPRING")
    reply = put_on("spring")
    assert (reply.status, reply.header("ETag")) == (200, '"3"')
    assert (reply.json["coupon"], reply.json["coupon_reason"]) == ("SPRING", None)
    assert reply.json["discount"] == gbp(200 + 50)
    assert cart() == reply.json
    assert call(api, "POST", "/cart/items", body={"sku": "B", "quantity": 1}, caller=SHOPPER).json[
        "discount"
    ] == gbp(200 + 100)
    off = take_off()
    assert (off.status, off.json["coupon"], off.json["discount"]) == (200, None, gbp(0))
    assert take_off().json["version"] == off.json["version"]


def test_a_guest_may_use_a_coupon_too(shop):
    make_coupon("SPRING")
    carts.add_item("gst_1", "A", 1)
    assert put_on(caller=guest()).json["discount"] == gbp(100)


def test_another_coupon_takes_the_place_of_the_first(shop):
    make_coupon("SPRING")
    make_coupon("FIVE", terms={"kind": "fixed", "value": gbp(500)})
    put_on("SPRING")
    assert put_on("FIVE").json["discount"] == gbp(500)
    assert cart()["coupon"] == "FIVE"


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (None, "unknown"),
        (TENTH | {"starts_at": "2999-01-01T00:00:00Z"}, "not_started"),
        (TENTH | {"ends_at": "2020-01-01T00:00:00Z"}, "ended"),
        (TENTH | {"min_subtotal": gbp(2500)}, "minimum"),
        ({"kind": "fixed", "value": gbp(500, "EUR")}, "currency"),
        (TENTH | {"category_ids": ["mugs"], "skus": ["C"]}, "nothing_eligible"),
        (TENTH | {"usage_limit": 1}, "used_up"),
        (TENTH | {"per_user_limit": 1}, "used_by_you"),
    ],
)
def test_a_coupon_that_does_not_apply_is_refused_with_its_reason_and_changes_nothing(shop, terms, reason):
    if terms:
        assert make_coupon("SPRING", terms=terms).status == 201
    deliver(consume, placed(coupon="SPRING"))
    before = cart()
    refused = put_on()
    assert (refused.status, refused.json["type"]) == (422, "/problems/coupon-not-applicable")
    assert refused.json["reason"] == reason
    assert refused.json["errors"][0]["pointer"] == "/code"
    assert refused.json.get("missing") == (gbp(1) if reason == "minimum" else None)
    assert cart() == before


def test_what_is_no_code_is_an_unknown_coupon(shop):
    assert put_on("100 % off!").json["reason"] == "unknown"
    assert put_on("").status == 422
    assert coupon("ab").status == 404


def test_a_stale_if_match_puts_no_coupon_on_and_takes_none_off(shop):
    make_coupon("SPRING")
    assert put_on(headers={"If-Match": '"1"'}).status == 412
    assert put_on(headers={"If-Match": '"2"'}).status == 200
    assert take_off(headers={"If-Match": '"2"'}).status == 412
    assert cart()["coupon"] == "SPRING"
    assert take_off(headers={"If-Match": '"3"'}).status == 200


def test_a_coupon_that_has_come_not_to_apply_stays_and_says_why(shop):
    make_coupon("SPRING", more={"min_subtotal": gbp(2000)})
    put_on()
    fewer = call(api, "PUT", "/cart/items/A", body={"quantity": 1}, caller=SHOPPER).json
    for shown in (fewer, cart()):
        assert (shown["coupon"], shown["coupon_reason"], shown["discount"]) == ("SPRING", "minimum", gbp(0))
    told = quote()
    assert (told["coupon"], told["coupon_reason"], told["discount"]) == (None, "minimum", gbp(0))
    coupon("SPRING", "DELETE")
    assert cart()["coupon_reason"] == quote()["coupon_reason"] == "unknown"
    make_coupon("SPRING")
    assert (cart()["coupon_reason"], cart()["discount"]) == (None, gbp(100 + 50))


def test_emptying_a_cart_takes_the_coupon_off(shop):
    make_coupon("SPRING")
    put_on()
    call(api, "DELETE", "/cart", caller=SHOPPER)
    assert (cart()["items"], cart()["coupon"]) == ([], None)


def test_a_quote_carries_each_lines_discount_and_tax_and_what_redeeming_is_held_to(shop):
    put_tax("GB", 2000, inclusive=False)
    make_coupon("TEA", more={"category_ids": ["tea"], "usage_limit": 9, "per_user_limit": 2})
    put_on("TEA")
    told = quote(shipping_address=ADDRESS)
    lines = [(line["sku"], line["discount"], line["tax"]) for line in told["lines"]]
    assert lines == [("A", gbp(200), gbp(360)), ("B", None, gbp(100))]  # 1798 / 5 = 359.6, 501 / 5 = 100.2
    assert told["shipping_tax"] == gbp(79)
    assert {part: told[part]["amount"] for part in ("subtotal", "discount", "shipping", "tax", "total")} == {
        "subtotal": 2499,
        "discount": 200,
        "shipping": 395,
        "tax": 360 + 100 + 79,
        "total": 2499 - 200 + 395 + 539,
    }
    assert (told["coupon"], told["coupon_reason"]) == ("TEA", None)
    signed = quotes.read(told["quote_token"], KEY, clock.now())
    assert (signed.coupon, signed.coupon_limits) == ("TEA", CouponLimits(overall=9, per_user=2))
    assert (signed.tax_inclusive, signed.shipping_tax, signed.lines[1].discount) == (
        False,
        Money(amount=79, currency="GBP"),
        None,
    )


def test_orders_gets_the_coupon_too(shop):
    make_coupon("SPRING", more={"per_user_limit": 1})
    put_on()
    asked = {"command": "quote", "input": {"user_id": "usr_1", "country": "GB"}, "request_id": "r"}
    told = Quote.model_validate(commands(asked, Context())["output"])
    assert (told.coupon, told.coupon_limits) == ("SPRING", CouponLimits(overall=None, per_user=1))
    assert told.discount.amount == 250


def test_without_limits_there_is_nothing_to_hold_redeeming_to(shop):
    make_coupon("SPRING")
    put_on()
    assert quotes.read(quote()["quote_token"], KEY, clock.now()).coupon_limits is None


def test_free_shipping_makes_every_way_free_and_the_cheapest_stays_the_default(shop):
    put_tax("GB", 2000)
    put_method("express", (0, 995))
    make_coupon("SHIP", terms={"kind": "free_shipping"})
    assert put_on("SHIP").json["discount"] == gbp(0)
    told = quote()
    assert (told["shipping_method"], told["shipping"], told["shipping_tax"]) == ("post", gbp(0), None)
    assert [(way["method"], way["price"]) for way in told["shipping_methods"]] == [
        ("post", gbp(0)),
        ("express", gbp(0)),
    ]
    assert told["total"] == gbp(2499)
    assert quote(country="GB", shipping_method="express")["shipping"] == gbp(0)


def test_a_coupon_costs_showing_and_quoting_no_further_read(shop, calls):
    make_coupon("SPRING")
    put_on()
    calls.clear()
    cart()
    assert calls == ["BatchGetItem", "BatchGetItem"]
    calls.clear()
    quote()
    assert calls == ["BatchGetItem", "BatchGetItem"]
    calls.clear()
    carts.add_item("usr_1", "A", 1)
    assert calls == ["BatchGetItem", "BatchGetItem", "PutItem"]


def test_coupons_and_goods_put_on_a_cart_at_once_never_lose_each_other(shop):
    make_coupon("SPRING")

    def each(*actions: Callable[[], object]) -> None:
        for action in actions:
            action()

    def add() -> None:
        carts.add_item("usr_1", "B", 1)

    def put() -> None:
        coupons.put_on_cart("usr_1", "spring", None)

    def off() -> None:
        coupons.take_off_cart("usr_1", None)

    run_concurrently(
        lambda: each(add, add, add),
        lambda: each(add, add, add),
        lambda: each(put, off, put),
        lambda: each(add, put),
    )
    shown = cart()
    assert {item["sku"]: item["quantity"] for item in shown["items"]} == {"A": 2, "B": 1 + 7}
    assert shown["coupon_reason"] is None
    assert shown["discount"] in (gbp(0), gbp(200 + 401))  # who was last had the say; and no half of it


def test_a_coupon_ends_on_carts_that_have_it(shop, monkeypatch):
    make_coupon("SPRING", more={"ends_at": f"{clock.now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"})
    put_on()
    later = clock.now() + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert cart()["coupon_reason"] == "ended"
