"""Reading and changing a cart, through the API."""

from datetime import timedelta
from typing import Any

import pytest

from cart.app.api import api
from cart.service import carts
from cart.tables import carts as cart_rows
from cart.tables import reads
from cart.tables.rows import ProductRow
from shared.runtime import clock
from tests.cart.conftest import Catalog, product_data, receive
from tests.support import Reply, call, customer, guest, idempotency_headers, run_concurrently

SHOPPER = customer()


def add(sku: str, quantity: int = 1, **request) -> Reply:
    return call(
        api, "POST", "/cart/items", body={"sku": sku, "quantity": quantity}, caller=SHOPPER, **request
    )


def cart(caller=SHOPPER) -> Any:
    return call(api, "GET", "/cart", caller=caller).json


def quantities() -> dict[str, int]:
    return {item["sku"]: item["quantity"] for item in cart()["items"]}


def test_an_unused_cart_is_empty_at_version_0(cloud):
    reply = call(api, "GET", "/cart", caller=SHOPPER)
    assert reply.status == 200
    assert reply.header("ETag") == '"0"'
    assert reply.json == {
        "cart_id": "crt_1",
        "items": [],
        "item_count": 0,
        "subtotal": {"amount": 0, "currency": "GBP"},
        "coupon": None,
        "discount": {"amount": 0, "currency": "GBP"},
        "coupon_reason": None,
        "version": 0,
        "expires_at": None,
    }


def test_items_are_listed_in_the_order_they_were_added(catalog):
    receive(product_data("Z", 250), product_data("A", 100))
    add("Z", 2)
    reply = add("A")
    assert reply.status == 200
    assert [item["sku"] for item in reply.json["items"]] == ["Z", "A"]
    assert reply.json["items"][0] == {
        "sku": "Z",
        "product_id": "prd_Z",
        "title": "The Z",
        "quantity": 2,
        "unit_price": {"amount": 250, "currency": "GBP"},
        "line_total": {"amount": 500, "currency": "GBP"},
        "available": 50,
        "change": None,
        "previous_unit_price": None,
    }
    assert reply.json["subtotal"]["amount"] == 600
    assert reply.json["version"] == 2
    assert cart() == reply.json


def test_adding_a_known_product_costs_one_read_and_one_write(catalog, calls):
    receive(product_data("A"), product_data("B"))
    add("A")
    calls.clear()
    add("B")
    assert calls == ["BatchGetItem", "PutItem"]
    assert catalog.described == []


def test_a_product_missing_from_the_replica_is_fetched_once(catalog, calls):
    catalog.sells(product_data("NEW"))
    assert add("NEW").status == 200
    assert add("NEW").json["items"][0]["quantity"] == 2
    assert catalog.described == [["NEW"]]


def test_a_product_that_is_not_for_sale_is_not_found(catalog):
    assert add("GHOST").status == 404
    receive(product_data("OLD", active=False))
    assert add("OLD").status == 404
    assert call(api, "PUT", "/cart/items/no%20sku", body={"quantity": 1}, caller=SHOPPER).status == 404


def test_an_unavailable_catalog_is_a_503_only_if_it_is_needed(catalog):
    receive(product_data("A"))
    catalog.down = True
    assert add("A").status == 200
    refused = add("NEW")
    assert refused.status == 503
    assert refused.header("Retry-After")


@pytest.mark.parametrize("quantity", [0, -1, 10_000, 10**30, 1.5, "2", True, None])
def test_impossible_quantities_are_invalid(catalog: Catalog, quantity):
    receive(product_data("A"))
    assert add("A", quantity).status == 422
    assert cart()["items"] == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("{", 400),
        ("[]", 422),
        ('{"sku": "A"}', 422),
        ('{"sku": "A", "quantity": 1, "price": 1}', 422),
        ('{"sku": "a b", "quantity": 1}', 422),
    ],
)
def test_bodies_of_the_wrong_shape_are_rejected(cloud, raw: str, status: int):
    assert call(api, "POST", "/cart/items", raw=raw, caller=SHOPPER).status == status


def test_a_quantity_above_9999_is_rejected_not_capped(catalog):
    receive(product_data("A"))
    add("A", 9_998)
    refused = add("A", 2)
    assert refused.status == 422
    assert refused.json["errors"][0]["pointer"] == "/quantity"
    assert quantities() == {"A": 9_998}


def test_a_second_currency_is_a_conflict(catalog):
    receive(product_data("A"), product_data("E", currency="EUR"))
    add("A")
    refused = add("E")
    assert (refused.status, refused.json["type"]) == (409, "/problems/currency-mismatch")


def test_put_sets_the_quantity_and_0_removes_the_line(catalog):
    receive(product_data("A"), product_data("B"))
    add("A", 5)
    reply = call(api, "PUT", "/cart/items/A", body={"quantity": 2}, caller=SHOPPER)
    assert reply.json["items"][0]["quantity"] == 2
    call(api, "PUT", "/cart/items/B", body={"quantity": 3}, caller=SHOPPER)
    assert quantities() == {"A": 2, "B": 3}
    assert call(api, "PUT", "/cart/items/A", body={"quantity": 0}, caller=SHOPPER).status == 200
    assert call(api, "PUT", "/cart/items/A", body={"quantity": 10_000}, caller=SHOPPER).status == 422
    removed = call(api, "DELETE", "/cart/items/B", caller=SHOPPER)
    assert (removed.status, removed.json["items"]) == (200, [])
    again = call(api, "DELETE", "/cart/items/B", caller=SHOPPER)
    assert (again.status, again.json["version"]) == (200, removed.json["version"])


def test_a_stale_if_match_changes_nothing(catalog):
    receive(product_data("A"))
    add("A", 5)
    stale = {"If-Match": '"0"'}
    for method, path, body in [
        ("PUT", "/cart/items/A", {"quantity": 1}),
        ("PUT", "/cart/items/A", {"quantity": 0}),
        ("DELETE", "/cart/items/A", None),
        ("DELETE", "/cart", None),
    ]:
        assert call(api, method, path, body=body, caller=SHOPPER, headers=stale).status == 412
    assert quantities() == {"A": 5}
    fresh = {"If-Match": '"1"'}
    assert call(api, "DELETE", "/cart", caller=SHOPPER, headers=fresh).status == 204
    # The version keeps growing, so that an old ETag never matches a new cart.
    assert (cart()["items"], cart()["version"]) == ([], 2)


def test_a_cart_shows_current_prices_and_stock(catalog):
    receive(product_data("A", 100), product_data("B", 100))
    add("A", 2)
    add("B")
    receive(product_data("A", 150, version=2, available=1), product_data("B", version=2, active=False))
    shown = cart()
    assert [(item["unit_price"]["amount"], item["available"]) for item in shown["items"]] == [
        (150, 1),
        (100, 0),
    ]
    assert shown["subtotal"]["amount"] == 400


def test_a_product_lost_from_the_replica_is_fetched_or_shown_as_last_seen(catalog):
    receive(product_data("A", 100))
    add("A")
    ProductRow(pk="product#A").delete()
    catalog.down = True
    assert cart()["subtotal"]["amount"] == 100
    catalog.down = False
    catalog.sells(product_data("A", 300))
    assert cart()["subtotal"]["amount"] == 300
    assert reads.products_and_coupon(["A"], None, "usr_1")[0] == {"A": product_data("A", 300)}


def test_every_caller_has_their_own_cart(catalog):
    receive(product_data("A"))
    add("A")
    assert cart(customer("usr_2"))["items"] == []
    assert call(api, "GET", "/cart").status == 401


def test_an_expired_guest_cart_is_empty_before_its_row_is_deleted(catalog, monkeypatch):
    receive(product_data("A"))
    body = {"sku": "A", "quantity": 1}
    created = call(api, "POST", "/cart/items", body=body, caller=guest()).json
    assert created["expires_at"].endswith("Z")
    later = clock.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert cart(guest())["items"] == []
    assert call(api, "POST", "/cart/items", body=body, caller=guest()).json["item_count"] == 1


def test_two_additions_with_one_idempotency_key_add_once(catalog):
    receive(product_data("A"))
    headers = idempotency_headers()
    first, second = add("A", headers=headers), add("A", headers=headers)
    assert second.json == first.json
    assert second.header("Idempotent-Replayed") == "true"
    assert quantities() == {"A": 1}


@pytest.mark.parametrize("crash", ["before", "after"])
def test_an_addition_that_crashed_around_its_write_adds_once_when_retried(catalog, monkeypatch, crash: str):
    receive(product_data("A"))
    headers = idempotency_headers()
    write = cart_rows.write_once

    def crashing_write(*args: Any) -> None:
        if crash == "after":
            write(*args)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(cart_rows, "write_once", crashing_write)
        with pytest.raises(SystemExit):
            add("A", 2, headers=headers)
    assert add("A", 2, headers=headers).json["item_count"] == 2
    assert quantities() == {"A": 2}
    assert add("A", 2, headers=idempotency_headers()).json["item_count"] == 4


def test_concurrent_additions_are_all_kept(catalog):
    products = [product_data(f"S{number}") for number in range(4)]
    receive(*products, product_data("SHARED"))

    def shop(number: int) -> None:
        for _ in range(3):
            carts.add_item("usr_1", "SHARED", 1)
            carts.add_item("usr_1", f"S{number}", 2)

    run_concurrently(*[lambda number=number: shop(number) for number in range(4)])
    assert quantities() == {"SHARED": 12} | {f"S{number}": 6 for number in range(4)}
    assert cart()["version"] == 24
