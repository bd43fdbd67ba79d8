"""Lists of what is on sale, page by page, and the categories they stand in."""

from typing import Any

import pytest

from catalog.app import api
from catalog.tables.rows import ListingRow
from shared.runtime import clock
from tests.catalog.catalog_driver import make, variant
from tests.catalog.conftest import filtered, keys_of
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
    answer = call(api, "GET", f"/products{query}")
    assert answer.status == 200, answer.text
    return answer.json["items"]


def skus(query=""):
    return [product["variants"][0]["sku"] for product in items(query)]


def pages(query, limit):
    """Every page of a list, by its cursors."""
    found, cursor = [], None
    while True:
        answer = call(api, "GET", f"/products?limit={limit}{query}" + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status == 200, answer.text
        found.append([product["variants"][0]["sku"] for product in answer.json["items"]])
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return found


def category(name, **more):
    return call(api, "POST", "/categories", body={"name": name, **more}, caller=staff())


@pytest.fixture
def shop(cloud):
    """Five products in two categories, oldest first: their prices are not in that order."""
    for name in ("Mugs", "Plates"):
        assert category(name).status == 201
    for sku, price, kind in [
        ("A", 300, "mugs"),
        ("B", 100, "plates"),
        ("C", 500, "mugs"),
        ("D", 200, "mugs"),
    ]:
        make(variant(sku, price=price), title=f"Ware {sku}", category_ids=[kind])
    make(variant("E", price=400, stock=0), title="A Fine Ware", category_ids=["mugs", "plates"])


def test_lists_show_the_newest_first(shop):
    assert skus() == ["E", "D", "C", "B", "A"]


def test_a_category_lists_its_own(shop):
    assert skus("?category=mugs") == ["E", "D", "C", "A"]
    assert skus("?category=plates") == ["E", "B"]
    assert skus("?category=none") == []


def test_prices_sort_both_ways_within_a_category_and_without(shop):
    assert skus("?sort=price") == ["B", "D", "A", "E", "C"]
    assert skus("?sort=-price") == ["C", "E", "A", "D", "B"]
    assert skus("?sort=price&category=mugs") == ["D", "A", "E", "C"]


def test_a_product_is_priced_at_its_cheapest_variant(shop):
    make(variant("X", price=900), variant("Y", price=50))
    assert skus("?sort=price")[0] == "X"


def test_words_find_products_in_any_case_and_all_must_be_there(shop):
    assert skus("?q=FINE") == ["E"]
    assert skus("?q=ware") == ["E", "D", "C", "B", "A"]
    assert skus("?q=fine%20plate") == []
    make(variant("Z"), title="A bowl", description="Fine bone china")
    assert skus("?q=china") == ["Z"]


def test_prices_and_stock_narrow_a_list(shop):
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
    ("query", "many"),
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
def test_a_last_page_that_is_full_is_known_to_be_the_last(shop, query, many):
    for limit in (1, many):
        found = pages(query, limit)
        assert [len(page) for page in found] == [limit] * (many // limit)


@pytest.mark.parametrize("query", ["", "&sort=price", "&category=mugs", "&category=mugs&sort=-price"])
def test_a_page_is_one_query_and_nothing_is_scanned(shop, calls, query):
    first = call(api, "GET", f"/products?limit=2{query}").json
    call(api, "GET", f"/products?limit=2{query}&cursor={first['next_cursor']}")
    assert [operation for operation, _ in calls] == ["Query", "Query"]


def test_the_only_one_that_is_wanted_is_found_in_few_queries(cloud, calls):
    for number in range(250):
        ListingRow(
            "listing#all",
            f"prd_{number:04}",
            listing="listing#all",
            min_price=number,
            search="red" if number == 249 else "blue",
            in_stock=True,
            snapshot=SNAPSHOT,
            version=1,
            updated_at=clock.now(),
        ).save()
    calls.clear()
    found = call(api, "GET", "/products?limit=1&q=red").json
    assert (len(found["items"]), found["next_cursor"]) == (1, None)
    assert [operation for operation, _ in calls] == ["Query"] * 3


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
def test_a_list_by_price_is_narrowed_by_its_key_and_reads_nothing_beyond(shop, calls, sort, query, bounds):
    assert items(f"?sort={sort}&{query}")
    assert {operation for operation, _ in calls} == {"Query"}
    assert all(bounds in sent["KeyConditionExpression"] for _, sent in calls)


def test_the_guard_sees_a_filter_on_a_key(shop, calls):
    """What `cloud` holds every test to, told from a request like those it looks at."""
    items("?min_price=200")
    [(_, sent)] = calls
    assert filtered(sent) & keys_of("by-price") == {"min_price"}
    assert filtered(sent) & keys_of(None) == set()


@pytest.mark.parametrize("sort", ["price", "newest"])
def test_between_prices_that_exclude_each_other_there_is_nothing(shop, calls, sort):
    """DynamoDB refuses BETWEEN with its bounds the wrong way round."""
    assert items(f"?sort={sort}&min_price=400&max_price=300") == []
    assert calls == []


@pytest.mark.parametrize("name", ["min_price", "max_price"])
def test_a_price_beyond_what_a_number_can_be_is_refused(cloud, name):
    """DynamoDB takes 38 digits."""
    answer = call(api, "GET", f"/products?{name}={10**40}")
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, f"/query/{name}")


def test_a_narrowed_page_is_queries_too_and_nothing_is_scanned(shop, calls):
    assert skus("?q=fine&limit=2&in_stock=false") == ["E"]
    assert {operation for operation, _ in calls} == {"Query"}


def test_a_cursor_belongs_to_its_list(shop):
    cursor = call(api, "GET", "/products?limit=2&sort=price").json["next_cursor"]
    for query in (f"sort=-price&cursor={cursor}", f"sort=price&cursor={cursor}x", "cursor=none"):
        answer = call(api, "GET", f"/products?limit=2&{query}")
        assert (answer.status, answer.json["type"]) == (400, "/problems/malformed")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "sort=name", "min_price=-1", "colour=red"])
def test_a_wrong_question_is_told_where_it_is_wrong(cloud, query):
    answer = call(api, "GET", f"/products?{query}")
    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == "/query/" + query.partition("=")[0]


def test_categories_stand_in_their_order(cloud, calls):
    category("Mugs", position=2)
    category("Plates", position=1)
    category("Big mugs", parent_id="mugs", position=1)
    calls.clear()
    shown = call(api, "GET", "/categories").json
    assert [(c["category_id"], c["parent_id"]) for c in shown["items"]] == [
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
    whole = call(api, "GET", "/categories?limit=100").json
    assert (len(whole["items"]), whole["next_cursor"]) == (23, None)
    for limit in (1, 7, 22, 23):
        found, cursor = list[dict[str, Any]](), ""
        while cursor is not None:
            page = call(api, "GET", f"/categories?limit={limit}" + (cursor and f"&cursor={cursor}")).json
            assert len(page["items"]) <= limit
            found, cursor = [*found, *page["items"]], page["next_cursor"]
        assert found == whole["items"]


def test_categories_of_one_name_and_place_are_told_apart_between_pages(cloud):
    for name in ("Mugs", "Cups"):
        category(name)
    assert call(api, "PUT", "/categories/mugs", body={"name": "Cups"}, caller=staff()).status == 200
    first = call(api, "GET", "/categories?limit=1").json
    second = call(api, "GET", f"/categories?limit=1&cursor={first['next_cursor']}").json
    assert [c["category_id"] for c in [*first["items"], *second["items"]]] == ["cups", "mugs"]
    assert second["next_cursor"] is None


def test_a_page_of_categories_that_cannot_be_is_refused(cloud):
    for name in ("Mugs", "Plates"):
        category(name)
    cursor = call(api, "GET", "/categories?limit=1").json["next_cursor"]
    assert call(api, "GET", f"/categories?cursor={cursor}x").status == 400
    assert call(api, "GET", f"/products?cursor={cursor}").status == 400
    for query in ("limit=0", "limit=101", "sort=name"):
        answer = call(api, "GET", f"/categories?{query}")
        pointer = "/query/" + query.partition("=")[0]
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_a_category_is_renamed_under_its_version_and_keeps_its_id(cloud):
    category("Mugs")

    def rename(name, version):
        headers = {"If-Match": f'"{version}"'}
        return call(api, "PUT", "/categories/mugs", body={"name": name}, caller=staff(), headers=headers)

    assert (rename("Cups", 1).status, rename("Beakers", 1).status) == (200, 412)
    [shown] = call(api, "GET", "/categories").json["items"]
    assert (shown["category_id"], shown["name"], shown["version"]) == ("mugs", "Cups", 2)


@pytest.mark.parametrize("name", ["Mu\x00gs", "Mu\ngs", "Mugs\x7f!"])
def test_a_category_is_called_by_what_people_read(cloud, name):
    answer = category(name)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/name")
    assert category("Mugs").status == 201
    assert call(api, "PUT", "/categories/mugs", body={"name": name}, caller=staff()).status == 422


def test_a_category_has_one_name_and_a_place_that_is_no_circle(cloud):
    assert [category("Mugs").status, category("mugs!").status] == [201, 409]
    assert category("Plates", parent_id="none").status == 422
    assert category("Big mugs", parent_id="mugs").status == 201
    inward = {"name": "Mugs", "parent_id": "big-mugs"}
    assert call(api, "PUT", "/categories/mugs", body=inward, caller=staff()).status == 422


def test_a_category_goes_when_nothing_is_in_it(shop):
    category("Big mugs", parent_id="mugs")
    for name, status in [("plates", 409), ("mugs", 409), ("big-mugs", 204), ("big-mugs", 404)]:
        assert call(api, "DELETE", f"/categories/{name}", caller=staff()).status == status
    assert [c["category_id"] for c in call(api, "GET", "/categories").json["items"]] == ["mugs", "plates"]
