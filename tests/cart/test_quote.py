"""What a cart costs delivered: quotes, shipping methods, tax rates, through the API."""

from datetime import timedelta

import pytest

from cart.app import api, commands
from cart.domain.promotions import Kind, Terms
from cart.domain.shipping import Rate, ShippingMethod
from cart.service import carts
from cart.tables import charges, coupons
from cart.tables.rows import ProductRow
from shared.contracts import quotes
from shared.contracts.commands import QuoteCart
from shared.contracts.problems import QuoteExpired
from shared.contracts.quotes import Quote
from shared.errors import Unavailable
from shared.runtime import clock
from shared.values.money import Price
from tests.cart.conftest import facts, hear
from tests.cart.requests import ADDRESS, KEY, gbp, put_method, put_tax
from tests.support import Context, Reply, call, customer, idempotency_headers, staff

SHOPPER = customer()


def quote(**body) -> Reply:
    return call(api, "POST", "/cart/quote", body=body or {"country": "GB"}, caller=SHOPPER)


def ask(**question) -> dict:
    """As orders asks, over Lambda's wire."""
    asked = QuoteCart(user_id="usr_1", **question)
    payload = {"command": "quote", "input": asked.model_dump(mode="json"), "request_id": "r"}
    answer: dict = commands(payload, Context())
    return answer


@pytest.fixture
def shop(catalog):
    """Post from 395, free from 5,000; express everywhere; a cart with 2 x 999 and 1 x 501."""
    put_method("post", (0, 395), (5000, 0))
    put_method("express", (0, 995), countries=("*",))
    hear(facts("A", 999), facts("B", 501))
    carts.add_item("usr_1", "A", 2)
    carts.add_item("usr_1", "B", 1)
    return catalog


def test_a_quote_says_what_everything_costs(shop):
    put_tax("GB", 2000, inclusive=True)
    reply = quote()
    assert reply.status == 200
    said = reply.json
    assert [(line["sku"], line["quantity"], line["line_total"]["amount"]) for line in said["lines"]] == [
        ("A", 2, 1998),
        ("B", 1, 501),
    ]
    assert {part: said[part]["amount"] for part in ("subtotal", "discount", "shipping", "tax", "total")} == {
        "subtotal": 2499,
        "discount": 0,
        "shipping": 395,
        "tax": 333 + 84 + 66,  # 1998/6, 501/6 = 83.5 to the even 84, 395/6 = 65.8
        "total": 2894,
    }
    assert said["tax_inclusive"] is True
    assert said["shipping_method"] == "post"
    assert said["shipping_methods"] == [
        {"method": "post", "name": "Post", "price": gbp(395)},
        {"method": "express", "name": "Express", "price": gbp(995)},
    ]


def test_the_token_is_the_quote_signed_for_fifteen_minutes(shop):
    said = quote(shipping_address=ADDRESS, shipping_method="express").json
    now = clock.now()
    told = quotes.read(said["quote_token"], KEY, now)
    assert isinstance(told, Quote)
    assert (told.user_id, told.total.amount, told.cart_version) == ("usr_1", 3494, 2)
    assert told.shipping_address and told.shipping_address.city == "London"
    assert (told.shipping_method, told.country) == ("express", "GB")
    assert timedelta(minutes=14) < told.expires_at - now <= timedelta(minutes=15)
    with pytest.raises(QuoteExpired):
        quotes.read(said["quote_token"], KEY, now + timedelta(minutes=16))


def test_exclusive_tax_is_added(shop):
    put_tax("US", 825, inclusive=False)
    said = quote(country="US").json
    assert said["tax"]["amount"] == 165 + 41 + 82
    assert said["total"]["amount"] == 2499 + 995 + 288
    assert said["tax_inclusive"] is False


def test_without_a_rate_there_is_no_tax(shop):
    assert quote().json["tax"] == gbp(0)


def test_a_larger_cart_reaches_the_next_tier(shop):
    carts.set_item("usr_1", "A", 5, None)
    assert quote().json["shipping"] == gbp(0)


def test_a_quote_of_known_products_costs_two_reads_and_asks_nobody(shop, calls):
    assert quote().status == 200
    assert calls == ["BatchGetItem", "BatchGetItem"]
    assert shop.asked == []


def test_one_unknown_product_makes_one_call_for_all(shop):
    shop.sells(facts("A", 1100, version=2), facts("B", 501))
    ProductRow(pk="product#B").delete()
    assert quote().json["subtotal"]["amount"] == 2701
    assert shop.asked == [["A", "B"]]
    ProductRow(pk="product#B").delete()
    shop.down = True
    assert quote().status == 503


@pytest.mark.parametrize(
    "news", [facts("A", version=2, active=False), facts("A", version=2, available=1), None]
)
def test_what_cannot_be_delivered_is_a_conflict_that_names_it(shop, news):
    if news:
        hear(news)
        shop.sells(news)
    else:  # forgotten by the replica, and the catalog does not know it either
        ProductRow(pk="product#A").delete()
        shop.sells(facts("B", 501))
    refused = quote()
    assert (refused.status, refused.json["type"]) == (409, "/problems/out-of-stock")
    left = news.available if news and news.active else 0
    assert refused.json["items"] == [{"sku": "A", "requested": 2, "available": left}]


def test_nobody_is_turned_away_on_hearsay(shop):
    hear(facts("A", version=2, available=0))  # what came after has not been heard yet
    shop.sells(facts("A", version=3, available=50))
    assert quote().status == 200
    assert shop.asked == [["A"]]


def test_an_empty_cart_has_no_price(shop):
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
def test_a_quote_that_cannot_be_is_invalid_where_it_is_wrong(shop, body: dict, pointer: str):
    refused = quote(**body)
    assert refused.status == 422
    assert refused.json["errors"][0]["pointer"] == pointer


def test_where_nothing_delivers_the_country_is_wrong(catalog):
    hear(facts("A"))
    carts.add_item("usr_1", "A", 1)
    put_method("post", (0, 395))
    wrong: list[tuple[dict, str]] = [
        ({"country": "FR"}, "/country"),
        ({"shipping_address": ADDRESS | {"country": "FR"}}, "/shipping_address/country"),
    ]
    for body, pointer in wrong:
        refused = quote(**body)
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, pointer)


def test_orders_gets_the_same_quote_unsigned(shop):
    told = Quote.model_validate(ask(country="GB", shipping_method="express")["output"])
    assert (told.user_id, told.subtotal.amount, told.total.amount) == ("usr_1", 2499, 3494)


def test_orders_gets_refusals_as_answers_and_hears_of_silence(shop):
    assert ask(country="GB", shipping_method="rocket")["problem"]["type"] == "/problems/invalid"
    hear(facts("A", version=2, available=0))
    assert ask(country="GB")["problem"]["items"] == [{"sku": "A", "requested": 2, "available": 0}]
    ProductRow(pk="product#B").delete()
    shop.down = True
    with pytest.raises(Unavailable):
        ask(country="GB")
    carts.clear_cart("usr_1", None)
    assert ask(country="GB")["problem"]["type"] == "/problems/cart-empty"


def test_staff_make_and_change_shipping_methods_and_everyone_reads_them(cloud):
    made = put_method("post", (0, 395))
    assert (made.status, made.header("ETag")) == (200, '"1"')
    assert made.json == {
        "method": "post",
        "name": "Post",
        "countries": ["GB"],
        "rates": [{"min_subtotal": gbp(0), "price": gbp(395)}],
        "version": 1,
    }
    put_method("express", (0, 995))
    assert put_method("post", (0, 400), headers={"If-Match": '"1"'}).json["version"] == 2
    assert put_method("post", (0, 500), headers={"If-Match": '"1"'}).status == 412
    assert call(api, "GET", "/shipping-methods/post").json["rates"][0]["price"] == gbp(400)
    assert call(api, "GET", "/shipping-methods/express").json["version"] == 1
    assert call(api, "GET", "/shipping-methods/rocket").status == 404


def test_shipping_methods_are_listed_in_pages(cloud):
    for method in ("c", "a", "b"):
        put_method(method, (0, 1))
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
def test_a_wrong_shipping_method_is_invalid(cloud, wrong: dict):
    right = {
        "name": "Post",
        "countries": ["GB", "*"],
        "rates": [{"min_subtotal": gbp(0), "price": gbp(1)}],
    }
    path = "/shipping-methods/post"
    assert call(api, "PUT", path, body=right, caller=staff()).status == 200
    assert call(api, "PUT", path, body=right | wrong, caller=staff()).status == 422
    assert call(api, "PUT", "/shipping-methods/Post%20It", body=right, caller=staff()).status == 422


def test_charges_and_coupons_in_a_currency_that_is_no_more_are_read(cloud):
    lapsed = Price(amount=5, currency="BGN")
    rate = Rate(min_subtotal=Price.zero("BGN"), price=lapsed)
    method = ShippingMethod(method="post", name="Post", countries=["BG"], rates=[rate], version=1)
    charges.save_shipping_methods([method], after=0)
    coupons.write("SPRING", Terms(kind=Kind.FIXED, value=lapsed, min_subtotal=lapsed), 1)
    assert call(api, "GET", "/shipping-methods/post").json["rates"][0]["price"] == gbp(5, "BGN")
    assert call(api, "GET", "/coupons/SPRING", caller=staff()).json["value"] == gbp(5, "BGN")


def test_staff_make_and_change_tax_rates_and_everyone_reads_them(cloud):
    assert call(api, "GET", "/tax-rates/GB").status == 404
    made = put_tax("GB", 2000)
    assert made.json == {"country": "GB", "rate_bp": 2000, "inclusive": True, "version": 1}
    assert put_tax("GB", 1750, headers={"If-Match": '"1"'}).json["version"] == 2
    assert put_tax("GB", 1, headers={"If-Match": '"1"'}).status == 412
    assert call(api, "GET", "/tax-rates/GB").json["rate_bp"] == 1750
    assert call(api, "GET", "/tax-rates/Britain").status == 404
    assert put_tax("Britain", 2000).status == 422
    for wrong in (-1, 10_001, 17.5, "2000", None):
        assert put_tax("GB", wrong).status == 422
    assert put_tax("GB", 2000, inclusive="yes").status == 422


def test_only_staff_change_charges(cloud):
    assert put_method("post", (0, 1), caller=SHOPPER).status == 403
    assert put_tax("GB", 1, caller=SHOPPER).status == 403
    assert put_tax("GB", 1, caller=None).status == 401


def test_a_repeated_quote_request_is_priced_anew(shop):
    first, second = (
        call(
            api,
            "POST",
            "/cart/quote",
            body={"country": "GB"},
            caller=SHOPPER,
            headers=idempotency_headers("same"),
        )
        for _ in range(2)
    )
    assert first.json["quote_id"] != second.json["quote_id"]
    assert second.header("Idempotent-Replayed") is None


def test_the_health_check_touches_the_table(cloud):
    assert api({"health": True}, Context())["status"] == "ok"
