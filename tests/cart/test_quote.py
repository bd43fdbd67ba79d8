"""Quotes, shipping methods and tax rates, through the API."""

from datetime import timedelta

import pytest

from cart.app.api import api
from cart.app.commands import commands
from cart.domain.promotions import Kind, Terms
from cart.domain.shipping import Rate, ShippingMethod
from cart.service import carts
from cart.tables import coupons, rates
from cart.tables.rows import ProductRow
from shared.contracts import quotes
from shared.contracts.commands.cart import QuoteCart
from shared.contracts.problems import QuoteExpired
from shared.contracts.quotes import Quote
from shared.errors import Unavailable
from shared.runtime import clock
from shared.values.money import Price
from tests.cart.conftest import product_data, receive
from tests.cart.requests import ADDRESS, KEY, gbp, put_shipping_method, put_tax
from tests.support import Context, Reply, call, customer, idempotency_headers, staff

SHOPPER = customer()


def quote(**body) -> Reply:
    return call(api, "POST", "/cart/quote", body=body or {"country": "GB"}, caller=SHOPPER)


def invoke_quote(**fields) -> dict:
    """Invoke the command function as orders does."""
    command = QuoteCart(user_id="usr_1", **fields)
    payload = {"command": "quote", "input": command.model_dump(mode="json"), "request_id": "r"}
    response: dict = commands(payload, Context())
    return response


@pytest.fixture
def shop(catalog):
    """Post at 395, free from 5,000; express to all countries; a cart with 2 x 999 and 1 x 501."""
    put_shipping_method("post", (0, 395), (5000, 0))
    put_shipping_method("express", (0, 995), countries=("*",))
    receive(product_data("A", 999), product_data("B", 501))
    carts.add_item("usr_1", "A", 2)
    carts.add_item("usr_1", "B", 1)
    return catalog


def test_a_quote_contains_every_amount(shop):
    put_tax("GB", 2000, inclusive=True)
    reply = quote()
    assert reply.status == 200
    quoted = reply.json
    assert [(line["sku"], line["quantity"], line["line_total"]["amount"]) for line in quoted["lines"]] == [
        ("A", 2, 1998),
        ("B", 1, 501),
    ]
    assert {
        part: quoted[part]["amount"] for part in ("subtotal", "discount", "shipping", "tax", "total")
    } == {
        "subtotal": 2499,
        "discount": 0,
        "shipping": 395,
        "tax": 333 + 84 + 66,  # 1998/6, 501/6 = 83.5 to the even 84, 395/6 = 65.8
        "total": 2894,
    }
    assert quoted["tax_inclusive"] is True
    assert quoted["shipping_method"] == "post"
    assert quoted["shipping_methods"] == [
        {"method": "post", "name": "Post", "price": gbp(395)},
        {"method": "express", "name": "Express", "price": gbp(995)},
    ]


def test_the_token_contains_the_signed_quote_for_fifteen_minutes(shop):
    quoted = quote(shipping_address=ADDRESS, shipping_method="express").json
    now = clock.now()
    signed = quotes.read(quoted["quote_token"], KEY, now)
    assert isinstance(signed, Quote)
    assert (signed.user_id, signed.total.amount, signed.cart_version) == ("usr_1", 3494, 2)
    assert signed.shipping_address and signed.shipping_address.city == "London"
    assert (signed.shipping_method, signed.country) == ("express", "GB")
    assert timedelta(minutes=14) < signed.expires_at - now <= timedelta(minutes=15)
    with pytest.raises(QuoteExpired):
        quotes.read(quoted["quote_token"], KEY, now + timedelta(minutes=16))


def test_exclusive_tax_is_added_to_the_total(shop):
    put_tax("US", 825, inclusive=False)
    quoted = quote(country="US").json
    assert quoted["tax"]["amount"] == 165 + 41 + 82
    assert quoted["total"]["amount"] == 2499 + 995 + 288
    assert quoted["tax_inclusive"] is False


def test_a_country_without_a_rate_has_no_tax(shop):
    assert quote().json["tax"] == gbp(0)


def test_a_larger_subtotal_reaches_the_next_shipping_tier(shop):
    carts.set_item("usr_1", "A", 5, None)
    assert quote().json["shipping"] == gbp(0)


def test_a_quote_from_the_replica_costs_two_reads_and_no_call(shop, calls):
    assert quote().status == 200
    assert calls == ["BatchGetItem", "BatchGetItem"]
    assert shop.described == []


def test_products_missing_from_the_replica_cost_one_call_for_all_lines(shop):
    shop.sells(product_data("A", 1100, version=2), product_data("B", 501))
    ProductRow(pk="product#B").delete()
    assert quote().json["subtotal"]["amount"] == 2701
    assert shop.described == [["A", "B"]]
    ProductRow(pk="product#B").delete()
    shop.down = True
    assert quote().status == 503


@pytest.mark.parametrize(
    "update", [product_data("A", version=2, active=False), product_data("A", version=2, available=1), None]
)
def test_a_line_that_cannot_be_delivered_is_a_conflict_that_names_it(shop, update):
    if update:
        receive(update)
        shop.sells(update)
    else:  # neither the replica nor catalog has it
        ProductRow(pk="product#A").delete()
        shop.sells(product_data("B", 501))
    refused = quote()
    assert (refused.status, refused.json["type"]) == (409, "/problems/out-of-stock")
    available = update.available if update and update.active else 0
    assert refused.json["items"] == [{"sku": "A", "requested": 2, "available": available}]


def test_a_cart_is_never_rejected_on_cached_stock(shop):
    receive(product_data("A", version=2, available=0))  # the event of version 3 has not arrived yet
    shop.sells(product_data("A", version=3, available=50))
    assert quote().status == 200
    assert shop.described == [["A"]]


def test_an_empty_cart_cannot_be_quoted(shop):
    carts.clear_cart("usr_1", None)
    refused = quote()
    assert (refused.status, refused.json["type"]) == (409, "/problems/cart-empty")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"country": "GB", "shipping_method": "rocket"}, "/shipping_method"),
        ({"country": "GB", "shipping_address": ADDRESS}, ""),
        ({"shipping_method": "post"}, ""),
        ({"country": "gb"}, "/country"),
        ({"shipping_address": ADDRESS | {"country": "Britain"}}, "/shipping_address/country"),
        ({"shipping_address": ADDRESS | {"line1": ""}}, "/shipping_address/line1"),
        ({"country": "GB", "discount": 100}, "/discount"),
    ],
)
def test_an_invalid_quote_request_names_the_invalid_field(shop, body: dict, pointer: str):
    refused = quote(**body)
    assert refused.status == 422
    assert refused.json["errors"][0]["pointer"] == pointer


def test_a_country_without_a_shipping_method_is_invalid_and_the_others_are_named(catalog):
    receive(product_data("A"))
    carts.add_item("usr_1", "A", 1)
    put_shipping_method("post", (0, 395))
    put_shipping_method("abroad", (0, 995), countries=("IE", "DE"))
    put_shipping_method("pallet", (900_000, 0), countries=("FR",))
    requests: list[tuple[dict, str]] = [
        ({"country": "FR"}, "/country"),
        ({"shipping_address": ADDRESS | {"country": "FR"}}, "/shipping_address/country"),
    ]
    for body, pointer in requests:
        refused = quote(**body)
        detail = "The shop does not ship to this country. It ships to DE, GB, IE."
        assert (refused.status, refused.json["errors"]) == (422, [{"pointer": pointer, "detail": detail}])


def test_without_any_shipping_method_no_country_is_named(catalog):
    receive(product_data("A"))
    carts.add_item("usr_1", "A", 1)
    refused = quote(country="GB")
    assert refused.json["errors"][0]["detail"] == "The shop does not ship to this country."


def test_the_quote_command_returns_the_same_quote_unsigned(shop):
    quoted = Quote.model_validate(invoke_quote(country="GB", shipping_method="express")["output"])
    assert (quoted.user_id, quoted.subtotal.amount, quoted.total.amount) == ("usr_1", 2499, 3494)


def test_the_quote_command_returns_problems_and_raises_unavailable(shop):
    assert invoke_quote(country="GB", shipping_method="rocket")["problem"]["type"] == "/problems/invalid"
    receive(product_data("A", version=2, available=0))
    assert invoke_quote(country="GB")["problem"]["items"] == [{"sku": "A", "requested": 2, "available": 0}]
    ProductRow(pk="product#B").delete()
    shop.down = True
    with pytest.raises(Unavailable):
        invoke_quote(country="GB")
    carts.clear_cart("usr_1", None)
    assert invoke_quote(country="GB")["problem"]["type"] == "/problems/cart-empty"


def test_staff_write_shipping_methods_and_everyone_can_read_them(cloud):
    created = put_shipping_method("post", (0, 395))
    assert (created.status, created.header("ETag")) == (200, '"1"')
    assert created.json == {
        "method": "post",
        "name": "Post",
        "countries": ["GB"],
        "rates": [{"min_subtotal": gbp(0), "price": gbp(395)}],
        "version": 1,
    }
    put_shipping_method("express", (0, 995))
    assert put_shipping_method("post", (0, 400), headers={"If-Match": '"1"'}).json["version"] == 2
    assert put_shipping_method("post", (0, 500), headers={"If-Match": '"1"'}).status == 412
    assert call(api, "GET", "/shipping-methods/post").json["rates"][0]["price"] == gbp(400)
    assert call(api, "GET", "/shipping-methods/express").json["version"] == 1
    assert call(api, "GET", "/shipping-methods/rocket").status == 404


def test_shipping_methods_are_listed_in_pages(cloud):
    for method in ("c", "a", "b"):
        put_shipping_method(method, (0, 1))
    first = call(api, "GET", "/shipping-methods?limit=2").json
    assert [item["method"] for item in first["items"]] == ["a", "b"]
    second = call(api, "GET", f"/shipping-methods?limit=2&cursor={first['next_cursor']}").json
    assert [item["method"] for item in second["items"]] == ["c"]
    assert second["next_cursor"] is None
    assert call(api, "GET", f"/shipping-methods?cursor={first['next_cursor'][:-2]}xx").status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "Post\r\nBcc: x"},
        {"countries": []},
        {"countries": ["uk"]},
        {"rates": []},
        {"rates": [{"min_subtotal": gbp(0), "price": gbp(-1)}]},
        {"rates": [{"min_subtotal": gbp(0), "price": gbp(1, "EUR")}]},
        {"rates": [{"min_subtotal": gbp(0, "ZZZ"), "price": gbp(1, "ZZZ")}]},
        {"rates": [{"min_subtotal": gbp(0, "ISK"), "price": gbp(1, "ISK")}]},
        {"rates": [{"min_subtotal": gbp(0), "price": gbp(1)}, {"min_subtotal": gbp(0), "price": gbp(2)}]},
        {"rates": [{"min_subtotal": gbp(0), "price": {"amount": 1.5, "currency": "GBP"}}]},
        {"surprise": 1},
    ],
)
def test_an_invalid_shipping_method_is_rejected(cloud, wrong: dict):
    right = {
        "name": "Post",
        "countries": ["GB", "*"],
        "rates": [{"min_subtotal": gbp(0), "price": gbp(1)}],
    }
    path = "/shipping-methods/post"
    assert call(api, "PUT", path, body=right, caller=staff()).status == 200
    assert call(api, "PUT", path, body=right | wrong, caller=staff()).status == 422
    assert call(api, "PUT", "/shipping-methods/Post%20It", body=right, caller=staff()).status == 422


def test_stored_rates_and_coupons_in_a_withdrawn_currency_can_be_read(cloud):
    withdrawn = Price(amount=5, currency="BGN")
    rate = Rate(min_subtotal=Price.zero("BGN"), price=withdrawn)
    method = ShippingMethod(method="post", name="Post", countries=["BG"], rates=[rate], version=1)
    rates.save_shipping_methods([method], after=0)
    coupons.write("SPRING", Terms(kind=Kind.FIXED, value=withdrawn, min_subtotal=withdrawn), 1)
    assert call(api, "GET", "/shipping-methods/post").json["rates"][0]["price"] == gbp(5, "BGN")
    assert call(api, "GET", "/coupons/SPRING", caller=staff()).json["value"] == gbp(5, "BGN")


def test_staff_write_tax_rates_and_everyone_can_read_them(cloud):
    assert call(api, "GET", "/tax-rates/GB").status == 404
    created = put_tax("GB", 2000)
    assert created.json == {"country": "GB", "rate_bp": 2000, "inclusive": True, "version": 1}
    assert put_tax("GB", 1750, headers={"If-Match": '"1"'}).json["version"] == 2
    assert put_tax("GB", 1, headers={"If-Match": '"1"'}).status == 412
    assert call(api, "GET", "/tax-rates/GB").json["rate_bp"] == 1750
    assert call(api, "GET", "/tax-rates/Britain").status == 404
    assert put_tax("Britain", 2000).status == 422
    for wrong in (-1, 10_001, 17.5, "2000", None):
        assert put_tax("GB", wrong).status == 422
    assert put_tax("GB", 2000, inclusive="yes").status == 422


def test_only_staff_write_shipping_methods_and_tax_rates(cloud):
    assert put_shipping_method("post", (0, 1), caller=SHOPPER).status == 403
    assert put_tax("GB", 1, caller=SHOPPER).status == 403
    assert put_tax("GB", 1, caller=None).status == 401


def test_a_repeated_quote_request_is_priced_again(shop):
    request = {"body": {"country": "GB"}, "caller": SHOPPER, "headers": idempotency_headers("same")}
    first, second = (call(api, "POST", "/cart/quote", **request) for _ in range(2))
    assert first.json["quote_id"] != second.json["quote_id"]
    assert second.header("Idempotent-Replayed") is None


def test_the_health_check_reads_the_table(cloud):
    assert api({"health": True}, Context())["status"] == "ok"
