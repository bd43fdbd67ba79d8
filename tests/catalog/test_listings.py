"""Listings of products and categories: order, filters, pages, and changes of categories."""

import json
from typing import Any

import pytest

from catalog.app.api import api
from catalog.tables import listings
from catalog.tables.rows import ListingRow
from shared.dynamodb import pages as dynamodb_pages
from shared.runtime import clock
from tests.catalog.catalog_driver import create_product, variant
from tests.catalog.conftest import filtered_attributes, key_attributes
from tests.support import call, staff

SNAPSHOT = {
    "title": "A mug",
    "description": "",
    "category_ids": [],
    "attributes": {},
    "created_at": "2026-11-21T12:00:00+00:00",
    "variants": [],
}


def items(query=""):
    response = call(api, "GET", f"/products{query}")
    assert response.status == 200, response.text
    return response.json["items"]


def skus(query=""):
    return [product["variants"][0]["sku"] for product in items(query)]


def pages(query, limit):
    """Return the SKUs of every page of a listing, following its cursors."""
    found, cursor = [], None
    while True:
        response = call(
            api, "GET", f"/products?limit={limit}{query}" + (f"&cursor={cursor}" if cursor else "")
        )
        assert response.status == 200, response.text
        found.append([product["variants"][0]["sku"] for product in response.json["items"]])
        cursor = response.json["next_cursor"]
        if cursor is None:
            return found


def category(name, **more):
    return call(api, "POST", "/categories", body={"name": name, **more}, caller=staff())


@pytest.fixture
def shop(cloud):
    """Five products in two categories; the order of their prices differs from that of their ages."""
    for name in ("Mugs", "Plates"):
        assert category(name).status == 201
    for sku, price, category_id in [
        ("A", 300, "mugs"),
        ("B", 100, "plates"),
        ("C", 500, "mugs"),
        ("D", 200, "mugs"),
    ]:
        create_product(variant(sku, price=price), title=f"Ware {sku}", category_ids=[category_id])
    create_product(variant("E", price=400, stock=0), title="A Fine Ware", category_ids=["mugs", "plates"])


def test_listings_show_the_newest_first(shop):
    assert skus() == ["E", "D", "C", "B", "A"]


def test_a_category_lists_its_own_products(shop):
    assert skus("?category=mugs") == ["E", "D", "C", "A"]
    assert skus("?category=plates") == ["E", "B"]
    assert skus("?category=none") == []


def test_prices_sort_in_both_directions_with_and_without_a_category(shop):
    assert skus("?sort=price") == ["B", "D", "A", "E", "C"]
    assert skus("?sort=-price") == ["C", "E", "A", "D", "B"]
    assert skus("?sort=price&category=mugs") == ["D", "A", "E", "C"]


def test_a_product_is_sorted_by_its_cheapest_variant(shop):
    create_product(variant("X", price=900), variant("Y", price=50))
    assert skus("?sort=price")[0] == "X"


def test_a_search_ignores_case_and_requires_all_words(shop):
    assert skus("?q=FINE") == ["E"]
    assert skus("?q=ware") == ["E", "D", "C", "B", "A"]
    assert skus("?q=fine%20plate") == []
    create_product(variant("Z"), title="A bowl", description="Fine bone china")
    assert skus("?q=china") == ["Z"]


def test_listings_can_be_filtered_by_price_and_stock(shop):
    assert skus("?min_price=200&max_price=400") == ["E", "D", "A"]
    assert skus("?in_stock=true") == ["D", "C", "B", "A"]
    assert skus("?min_price=200&max_price=400&in_stock=true&sort=price&category=mugs") == ["D", "A"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["E", "D", "C", "B", "A"]),
        ("&sort=price", ["B", "D", "A", "E", "C"]),
        ("&sort=-price", ["C", "E", "A", "D", "B"]),
        ("&category=mugs", ["E", "D", "C", "A"]),
        ("&sort=price&min_price=200", ["D", "A", "E", "C"]),
        ("&sort=-price&in_stock=true&category=mugs", ["C", "A", "D"]),
        ("&q=ware&in_stock=true", ["D", "C", "B", "A"]),
    ],
)
def test_pages_follow_each_other_without_gap_or_repeat(shop, query, expected):
    for limit in (1, 2, 3, 5):
        found = pages(query, limit)
        assert [sku for page in found for sku in page] == expected
        assert all(len(page) <= limit for page in found)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 5),
        ("&sort=price", 5),
        ("&category=mugs&sort=-price", 4),
        ("&sort=price&min_price=200&max_price=400", 3),
        ("&q=ware&in_stock=true", 4),
        ("&q=fine", 1),
        ("&category=plates&max_price=300", 1),
    ],
)
def test_a_full_last_page_has_no_cursor(shop, query, count):
    for limit in (1, count):
        found = pages(query, limit)
        assert [len(page) for page in found] == [limit] * (count // limit)


@pytest.mark.parametrize("query", ["", "&sort=price", "&category=mugs", "&category=mugs&sort=-price"])
def test_an_unfiltered_page_is_one_query(shop, calls, query):
    first = call(api, "GET", f"/products?limit=2{query}").json
    call(api, "GET", f"/products?limit=2{query}&cursor={first['next_cursor']}")
    assert [operation for operation, _ in calls] == ["Query", "Query"]


def add_listings(count, *, matching=(), **more):
    """Add listed products; `matching` have the word "red"."""
    for number in range(count):
        ListingRow(
            "listing#all",
            f"prd_{number:04}",
            listing="listing#all",
            min_price=number,
            search="red" if number in matching else "blue",
            in_stock=True,
            snapshot=SNAPSHOT | more,
            version=1,
            updated_at=clock.now(),
        ).save()


def test_a_search_examines_few_rows_and_then_returns_a_cursor(cloud, calls, monkeypatch):
    monkeypatch.setattr(listings, "MAX_EXAMINED", 100)
    monkeypatch.setattr(dynamodb_pages, "MAX_EXAMINED", 100)
    add_listings(250, matching=(0, 120))
    calls.clear()
    path, found = "/products?limit=1&q=red", []
    for _ in range(3):
        page = call(api, "GET", path).json
        found.append([product["product_id"] for product in page["items"]])
        path = f"/products?limit=1&q=red&cursor={page['next_cursor']}"
    assert (found, page["next_cursor"]) == ([[], ["prd_0120"], ["prd_0000"]], None)
    assert [sent["Limit"] for operation, sent in calls if operation == "Query"] == [100] * 3


def test_a_search_of_large_products_ends_after_few_queries(cloud, calls):
    add_listings(60, description="x" * 100_000)
    calls.clear()
    page = call(api, "GET", "/products?q=green").json
    assert (page["items"], [operation for operation, _ in calls]) == ([], ["Query"] * 4)
    assert page["next_cursor"]


def test_a_page_of_large_products_has_at_most_4_mb(cloud):
    add_listings(58, description='é"' * 39_000)
    cursor, found = "", []
    while cursor is not None:
        reply = call(api, "GET", "/products?limit=100" + (cursor and f"&cursor={cursor}"))
        assert reply.status == 200
        assert len(json.dumps(reply.text, ensure_ascii=False).encode()) <= 4_000_000
        found.append([product["product_id"] for product in reply.json["items"]])
        cursor = reply.json["next_cursor"]
    assert [each for page in found for each in page] == [f"prd_{n:04}" for n in reversed(range(58))]
    assert 3 < len(found) < 6


@pytest.mark.parametrize(
    ("query", "bounds"),
    [
        ("min_price=200", ">="),
        ("max_price=300", "<="),
        ("min_price=200&max_price=300", "BETWEEN"),
        ("min_price=200&max_price=300&in_stock=true&q=ware", "BETWEEN"),
    ],
)
@pytest.mark.parametrize("sort", ["price", "-price"])
def test_price_bounds_of_a_listing_by_price_are_key_conditions(shop, calls, sort, query, bounds):
    assert items(f"?sort={sort}&{query}")
    assert {operation for operation, _ in calls} == {"Query"}
    assert all(bounds in sent["KeyConditionExpression"] for _, sent in calls)


def test_the_guard_detects_a_filter_on_a_key(shop, calls):
    """The `cloud` fixture uses the same functions on every request."""
    items("?min_price=200")
    [(_, sent)] = calls
    assert filtered_attributes(sent) & key_attributes("by-price") == {"min_price"}
    assert filtered_attributes(sent) & key_attributes(None) == set()


@pytest.mark.parametrize("sort", ["price", "newest"])
def test_contradicting_price_bounds_return_nothing_without_a_query(shop, calls, sort):
    """DynamoDB rejects BETWEEN if the lower bound exceeds the upper one."""
    assert items(f"?sort={sort}&min_price=400&max_price=300") == []
    assert calls == []


@pytest.mark.parametrize("name", ["min_price", "max_price"])
def test_a_price_bound_with_too_many_digits_is_invalid(cloud, name):
    """DynamoDB's numbers have at most 38 digits."""
    response = call(api, "GET", f"/products?{name}={10**40}")
    assert (response.status, response.json["errors"][0]["pointer"]) == (422, f"/query/{name}")


def test_a_filtered_page_uses_queries_and_no_scan(shop, calls):
    assert skus("?q=fine&limit=2&in_stock=false") == ["E"]
    assert {operation for operation, _ in calls} == {"Query"}


def test_a_cursor_is_valid_only_for_its_listing(shop):
    cursor = call(api, "GET", "/products?limit=2&sort=price").json["next_cursor"]
    for query in (f"sort=-price&cursor={cursor}", f"sort=price&cursor={cursor}x", "cursor=none"):
        response = call(api, "GET", f"/products?limit=2&{query}")
        assert (response.status, response.json["type"]) == (400, "/problems/malformed")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "sort=name", "min_price=-1", "colour=red"])
def test_an_invalid_query_parameter_is_named(cloud, query):
    response = call(api, "GET", f"/products?{query}")
    assert response.status == 422
    assert response.json["errors"][0]["pointer"] == "/query/" + query.partition("=")[0]


def test_categories_are_sorted_by_position_then_name(cloud, calls):
    category("Mugs", position=2)
    category("Plates", position=1)
    category("Big mugs", parent_id="mugs", position=1)
    calls.clear()
    page = call(api, "GET", "/categories").json
    assert [(c["category_id"], c["parent_id"]) for c in page["items"]] == [
        ("big-mugs", "mugs"),
        ("plates", None),
        ("mugs", None),
    ]
    assert [operation for operation, _ in calls] == ["Query"]


def test_categories_are_listed_in_pages(cloud, calls):
    for number in range(23):
        category(f"Kind {number:02}", position=number % 3)
    calls.clear()
    first = call(api, "GET", "/categories").json
    assert [operation for operation, _ in calls] == ["Query"]
    assert len(first["items"]) == 20
    assert len(call(api, "GET", f"/categories?cursor={first['next_cursor']}").json["items"]) == 3
    unpaged = call(api, "GET", "/categories?limit=100").json
    assert (len(unpaged["items"]), unpaged["next_cursor"]) == (23, None)
    for limit in (1, 7, 22, 23):
        found, cursor = list[dict[str, Any]](), ""
        while cursor is not None:
            page = call(api, "GET", f"/categories?limit={limit}" + (cursor and f"&cursor={cursor}")).json
            assert len(page["items"]) <= limit
            found, cursor = [*found, *page["items"]], page["next_cursor"]
        assert found == unpaged["items"]


def test_categories_with_equal_name_and_position_are_paged_correctly(cloud):
    for name in ("Mugs", "Cups"):
        category(name)
    assert call(api, "PUT", "/categories/mugs", body={"name": "Cups"}, caller=staff()).status == 200
    first = call(api, "GET", "/categories?limit=1").json
    second = call(api, "GET", f"/categories?limit=1&cursor={first['next_cursor']}").json
    assert [c["category_id"] for c in [*first["items"], *second["items"]]] == ["cups", "mugs"]
    assert second["next_cursor"] is None


def test_invalid_cursors_and_limits_of_categories_are_rejected(cloud):
    for name in ("Mugs", "Plates"):
        category(name)
    cursor = call(api, "GET", "/categories?limit=1").json["next_cursor"]
    assert call(api, "GET", f"/categories?cursor={cursor}x").status == 400
    assert call(api, "GET", f"/products?cursor={cursor}").status == 400
    for query in ("limit=0", "limit=101", "sort=name"):
        response = call(api, "GET", f"/categories?{query}")
        pointer = "/query/" + query.partition("=")[0]
        assert (response.status, response.json["errors"][0]["pointer"]) == (422, pointer)


def test_a_renamed_category_keeps_its_id_and_gets_a_new_version(cloud):
    category("Mugs")

    def rename(name, version):
        headers = {"If-Match": f'"{version}"'}
        return call(api, "PUT", "/categories/mugs", body={"name": name}, caller=staff(), headers=headers)

    assert (rename("Cups", 1).status, rename("Beakers", 1).status) == (200, 412)
    [shown] = call(api, "GET", "/categories").json["items"]
    assert (shown["category_id"], shown["name"], shown["version"]) == ("mugs", "Cups", 2)


@pytest.mark.parametrize("name", ["Mu\x00gs", "Mu\ngs", "Mugs\x7f!"])
def test_a_category_name_with_control_characters_is_invalid(cloud, name):
    response = category(name)
    assert (response.status, response.json["errors"][0]["pointer"]) == (422, "/name")
    assert category("Mugs").status == 201
    assert call(api, "PUT", "/categories/mugs", body={"name": name}, caller=staff()).status == 422


def test_category_names_are_unique_and_parents_form_no_cycle(cloud):
    assert [category("Mugs").status, category("mugs!").status] == [201, 409]
    assert category("Plates", parent_id="none").status == 422
    assert category("Big mugs", parent_id="mugs").status == 201
    cycle = {"name": "Mugs", "parent_id": "big-mugs"}
    assert call(api, "PUT", "/categories/mugs", body=cycle, caller=staff()).status == 422


def test_only_an_empty_category_can_be_deleted(shop):
    category("Big mugs", parent_id="mugs")
    for name, status in [("plates", 409), ("mugs", 409), ("big-mugs", 204), ("big-mugs", 404)]:
        assert call(api, "DELETE", f"/categories/{name}", caller=staff()).status == status
    assert [c["category_id"] for c in call(api, "GET", "/categories").json["items"]] == ["mugs", "plates"]
