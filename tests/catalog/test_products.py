"""Products: created, replaced and archived, each change in one transaction."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from catalog.app.api import api
from catalog.tables import products
from shared.dynamodb.concurrency import VersionConflict
from shared.values.money import Money
from tests.catalog.catalog_driver import (
    body,
    create_category,
    create_product,
    levels,
    line,
    problem_type,
    release,
    replace_product,
    reserve,
    variant,
)
from tests.support import call, created_path, customer, guest, idempotency_headers, staff


def get(product):
    return call(api, "GET", f"/products/{product['product_id']}")


def archive(product, version=None):
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return call(api, "DELETE", f"/products/{product['product_id']}", caller=staff(), headers=headers)


def test_a_created_product_is_returned_unchanged(cloud):
    create_category("Mugs")
    product = create_product(
        variant("RED", stock=3, title="red", options={"colour": "red"}),
        variant("BLUE", stock=0, price=700),
        category_ids=["mugs"],
        attributes={"made in": "Stoke"},
        description="To drink from.",
    )
    shown = get(product)
    assert (shown.status, shown.json) == (200, product)
    assert shown.header("ETag") == '"1"'
    assert [(v["sku"], v["available"], v["price"]["amount"]) for v in product["variants"]] == [
        ("RED", 3, 500),
        ("BLUE", 0, 700),
    ]
    assert (product["category_ids"], product["attributes"]) == (["mugs"], {"made in": "Stoke"})
    assert levels("RED") == (3, 0)


def test_the_location_of_a_created_product_is_the_product(cloud):
    request = {"title": "Mug", "status": "active", "variants": [variant("RED")]}
    headers = idempotency_headers()
    for _ in range(2):
        created = call(api, "POST", "/products", body=request, caller=staff(), headers=headers)
        assert call(api, "GET", created_path("/products", created)).json == created.json


def test_a_product_is_read_with_one_query(calls):
    product = create_product(variant("RED"), variant("BLUE"))
    calls.clear()
    assert get(product).status == 200
    assert [operation for operation, _ in calls] == ["Query"]


def test_two_requests_with_one_key_create_one_product(cloud):
    sent = {"body": body(variant("RED")), "caller": staff(), "headers": idempotency_headers("key-1")}
    first, again = (call(api, "POST", "/products", **sent) for _ in range(2))
    assert (first.status, first.json) == (again.status, again.json)
    assert len(call(api, "GET", "/products").json["items"]) == 1


def test_a_replaced_product_keeps_its_stock_and_creation_time(cloud):
    product = create_product(variant("RED", stock=5), title="A mug")
    reserve("ord_1", line(product, "RED", 2))
    response = replace_product(
        product, body(variant("RED", stock=99, price=650), variant("BLUE", stock=4), title="A cup"), 1
    )
    assert (response.status, response.header("ETag")) == (200, '"2"')
    assert get(product).json == response.json
    assert (response.json["title"], response.json["created_at"]) == ("A cup", product["created_at"])
    assert [(v["sku"], v["price"]["amount"], v["available"]) for v in response.json["variants"]] == [
        ("RED", 650, 3),
        ("BLUE", 500, 4),
    ]
    assert (levels("RED"), levels("BLUE")) == ((3, 2), (4, 0))


@pytest.mark.parametrize(
    "change", [lambda product: replace_product(product, body(variant("RED"), title="Mine"), 1), None]
)
def test_a_change_with_a_stale_version_is_rejected(cloud, change):
    product = create_product(variant("RED"))
    current = replace_product(product, body(variant("RED"), title="Theirs"), 1)
    stale = change(product) if change else archive(product, 1)
    assert (stale.status, stale.json["type"]) == (412, "/problems/stale")
    assert get(product).json == current.json


def test_one_of_two_concurrent_changes_to_one_version_is_stale(cloud):
    product = create_product(variant("RED"))
    with ThreadPoolExecutor(2) as pool:
        responses = list(
            pool.map(lambda title: replace_product(product, body(variant("RED"), title=title), 1), ("A", "B"))
        )
    assert sorted(response.status for response in responses) == [200, 412]
    [stored] = [response.json for response in responses if response.status == 200]
    assert get(product).json == stored


def test_removing_a_variant_twice_is_a_version_conflict(cloud):
    product = create_product(variant("RED"), variant("BLUE"))
    old = products.find(product["product_id"])
    assert old
    new = replace(old, variants=old.variants[:1], version=2)
    products.replace(old, new)
    with pytest.raises(VersionConflict):
        products.replace(old, new)


def test_concurrent_changes_and_reservations_lose_no_piece(cloud):
    product = create_product(variant("RED", stock=20))

    def act(number):
        if number % 2:
            return replace_product(product, body(variant("RED"), title=f"Title {number}")).status
        return problem_type(reserve(f"ord_{number}", line(product, "RED")))

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(act, range(12))) == {200, None}
    assert levels("RED") == (14, 6)
    assert get(product).json["version"] == 7


def test_a_sku_has_one_product_even_if_two_are_created_at_once(cloud):
    def attempt(number):
        return call(
            api, "POST", "/products", body=body(variant("RED"), variant(f"N{number}")), caller=staff()
        )

    with ThreadPoolExecutor(2) as pool:
        responses = list(pool.map(attempt, range(2)))
    assert sorted(response.status for response in responses) == [201, 409]
    [rejected] = [response for response in responses if response.status == 409]
    assert rejected.json["type"] == "/problems/sku-taken"
    assert len(call(api, "GET", "/products").json["items"]) == 1


def test_a_sku_of_another_product_cannot_be_added(cloud):
    create_product(variant("RED"))
    other = create_product(variant("BLUE"))
    response = replace_product(other, body(variant("BLUE"), variant("RED")), 1)
    assert (response.status, response.json["type"]) == (409, "/problems/sku-taken")
    assert get(other).json == other


def test_a_reserved_variant_cannot_be_removed(cloud):
    product = create_product(variant("RED"), variant("BLUE"))
    reserve("ord_1", line(product, "BLUE"))
    response = replace_product(product, body(variant("RED")), 1)
    assert (response.status, response.json["type"]) == (409, "/problems/stock-reserved")
    assert (get(product).json["version"], levels("BLUE")) == (1, (9, 1))
    release("ord_1")
    assert replace_product(product, body(variant("RED")), 1).status == 200
    assert call(api, "GET", "/stock/BLUE", caller=staff()).status == 404
    assert [v["sku"] for v in get(product).json["variants"]] == ["RED"]
    assert create_product(variant("BLUE"))["version"] == 1  # the SKU is free again


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_a_product_that_is_not_on_sale_is_not_found(cloud, status):
    product = create_product(variant("RED"), status=status)
    assert get(product).status == 404
    assert call(api, "GET", "/products").json["items"] == []
    assert replace_product(product, body(variant("RED"))).status == 200
    assert get(product).status == 200
    assert [p["product_id"] for p in call(api, "GET", "/products").json["items"]] == [product["product_id"]]


def test_an_archived_product_is_not_on_sale_and_keeps_its_stock(cloud):
    create_category("Mugs")
    product = create_product(variant("RED", stock=4), category_ids=["mugs"])
    assert [archive(product, 1).status, archive(product).status] == [204, 204]
    assert get(product).status == 404
    for path in ("/products", "/products?category=mugs", "/products?sort=price"):
        assert call(api, "GET", path).json["items"] == []
    assert levels("RED") == (4, 0)
    assert problem_type(reserve("ord_1", line(product, "RED"))) == "/problems/out-of-stock"


@pytest.mark.parametrize(
    "archived",
    [archive, lambda product: replace_product(product, body(status="archived", category_ids=["mugs"]))],
)
def test_a_draft_in_a_deleted_category_can_be_archived_but_not_activated(cloud, archived):
    create_category("Mugs")
    product = create_product(variant("RED"), status="draft", category_ids=["mugs"])
    assert call(api, "DELETE", "/categories/mugs", caller=staff()).status == 204
    on_sale = replace_product(product, body(variant("RED"), category_ids=["mugs"]))
    assert (on_sale.status, on_sale.json["errors"][0]["pointer"]) == (422, "/category_ids/0")
    assert archived(product).status in {200, 204}
    found = products.find(product["product_id"])
    assert found
    assert found.status == "archived"


def test_an_archived_product_cannot_move_to_an_unknown_category(cloud):
    product = create_product(variant("RED"))
    response = replace_product(product, body(variant("RED"), status="archived", category_ids=["none"]))
    assert (response.status, response.json["errors"][0]["pointer"]) == (422, "/category_ids/0")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_product_is_not_found(cloud, method):
    sent = body(variant("RED")) if method == "PUT" else None
    response = call(api, method, "/products/prd_none", body=sent, caller=staff())
    assert (response.status, response.json["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("caller", [guest(), customer(), None])
def test_only_staff_can_change_the_catalog(cloud, caller):
    product = create_product(variant("RED"))
    path = f"/products/{product['product_id']}"
    for method, where, sent in [
        ("POST", "/products", body(variant("BLUE"))),
        ("PUT", path, body(variant("RED"), title="Mine")),
        ("DELETE", path, None),
        ("POST", "/categories", {"name": "Mine"}),
    ]:
        assert call(api, method, where, body=sent, caller=caller).status == (403 if caller else 401)
    assert get(product).json == product


UNCHARGEABLE = {"amount": 5000, "currency": "ISK"}
UNKNOWN = {"amount": 5000, "currency": "ZZZ"}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"title": " "}, "/title"),
        ({"title": 7}, "/title"),
        ({"colour": "red"}, "/colour"),
        ({"status": "sold"}, "/status"),
        ({"category_ids": ["none"]}, "/category_ids/0"),
        ({"variants": [variant("RED"), variant("RED")]}, "/variants/1/sku"),
        ({"variants": [variant("a b")]}, "/variants/0/sku"),
        ({"variants": [variant("RED", price=-1)]}, "/variants/0/price/amount"),
        ({"variants": [variant("RED") | {"price": UNCHARGEABLE}]}, "/variants/0/price"),
        ({"variants": [variant("RED") | {"price": UNKNOWN}]}, "/variants/0/price"),
        ({"title": "A\x00 mug"}, "/title"),
        ({"title": "A\nmug"}, "/title"),
        ({"description": "A\x00 mug"}, "/description"),
        ({"description": "A\x1b[31m mug"}, "/description"),
        ({"description": "A mug\x7f"}, "/description"),
        ({"attributes": {"made\x07of": "clay"}}, "/attributes/made\x07of/[key]"),
        ({"attributes": {"made of": "cl\x08ay"}}, "/attributes/made of"),
        ({"variants": [variant("RED", title="re\x00d")]}, "/variants/0/title"),
        ({"variants": [variant("RED", options={"colour": "re\x00d"})]}, "/variants/0/options/colour"),
        ({"variants": [variant("RED", options={"col\nour": "red"})]}, "/variants/0/options/col\nour/[key]"),
        ({"variants": [variant("RED", stock=-1)]}, "/variants/0/stock"),
        ({"variants": [variant(f"S{n}") for n in range(46)]}, "/variants"),
    ],
)
def test_an_invalid_field_of_a_product_is_named(cloud, wrong, pointer):
    response = call(api, "POST", "/products", body=body(variant("RED")) | wrong, caller=staff())
    assert (response.status, response.json["errors"][0]["pointer"]) == (422, pointer)
    assert call(api, "GET", "/products").json["items"] == []


def test_a_description_may_have_several_lines(cloud):
    text = "A mug.\n\nHand wash only:\r\n\t- no soap"
    product = create_product(variant("RED"), description=text)
    assert get(product).json["description"] == text


def test_an_old_product_that_is_invalid_now_can_be_read_and_archived(cloud):
    product = create_product(variant("RED"))
    known = products.find(product["product_id"])
    assert known is not None
    priced = replace(known.variants[0], price=Money(amount=5, currency="BGN"))
    products.replace(known, replace(known, title="A\x00mug", variants=(priced,), version=known.version + 1))
    shown = get(product).json
    assert (shown["title"], shown["variants"][0]["price"]["currency"]) == ("A\x00mug", "BGN")
    assert archive(product).status == 204
    assert get(product).status == 404


def test_the_largest_product_is_one_transaction(calls):
    for name in "abcdefgh":
        create_category(name)
    largest = [variant(f"S{n:02}") for n in range(45)]
    calls.clear()
    product = create_product(*largest, category_ids=list("abcdefgh"))
    [sent] = [params for operation, params in calls if operation == "TransactWriteItems"]
    assert len(sent["TransactItems"]) == 100
    assert (
        replace_product(product, body(*largest, title="A cup", category_ids=list("abcdefgh"))).status == 200
    )


def test_a_change_too_large_for_one_transaction_changes_nothing(cloud):
    product = create_product(*(variant(f"A{n:02}") for n in range(45)))
    response = replace_product(product, body(*(variant(f"B{n:02}") for n in range(45))))
    assert (response.status, response.json["errors"][0]["pointer"]) == (422, "/variants")
    assert get(product).json == product
