"""Products: made, changed, taken off sale, each change whole."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from catalog.app import api
from catalog.tables import products
from shared.dynamodb.concurrency import VersionConflict
from shared.values.money import Money
from tests.catalog.catalog_driver import (
    body,
    category,
    levels,
    line,
    make,
    put,
    refused_as,
    release,
    reserve,
    variant,
)
from tests.support import call, customer, guest, idempotency_headers, staff


def get(product):
    return call(api, "GET", f"/products/{product['product_id']}")


def archive(product, version=None):
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    return call(api, "DELETE", f"/products/{product['product_id']}", caller=staff(), headers=headers)


def test_a_product_is_made_and_shown_as_it_is(cloud):
    category("Mugs")
    made = make(
        variant("RED", stock=3, title="red", options={"colour": "red"}),
        variant("BLUE", stock=0, price=700),
        category_ids=["mugs"],
        attributes={"made in": "Stoke"},
        description="To drink from.",
    )
    shown = get(made)
    assert (shown.status, shown.json) == (200, made)
    assert shown.header("ETag") == '"1"'
    assert [(v["sku"], v["available"], v["price"]["amount"]) for v in made["variants"]] == [
        ("RED", 3, 500),
        ("BLUE", 0, 700),
    ]
    assert (made["category_ids"], made["attributes"]) == (["mugs"], {"made in": "Stoke"})
    assert levels("RED") == (3, 0)


def test_a_product_is_read_with_one_query(calls):
    made = make(variant("RED"), variant("BLUE"))
    calls.clear()
    assert get(made).status == 200
    assert [operation for operation, _ in calls] == ["Query"]


def test_a_product_sent_twice_with_one_key_is_one_product(cloud):
    sent = {"body": body(variant("RED")), "caller": staff(), "headers": idempotency_headers("key-1")}
    first, again = (call(api, "POST", "/products", **sent) for _ in range(2))
    assert (first.status, first.json) == (again.status, again.json)
    assert len(call(api, "GET", "/products").json["items"]) == 1


def test_a_change_keeps_the_stock_and_the_day_of_making(cloud):
    made = make(variant("RED", stock=5), title="A mug")
    reserve("ord_1", line(made, "RED", 2))
    answer = put(made, body(variant("RED", stock=99, price=650), variant("BLUE", stock=4), title="A cup"), 1)
    assert (answer.status, answer.header("ETag")) == (200, '"2"')
    assert get(made).json == answer.json
    assert (answer.json["title"], answer.json["created_at"]) == ("A cup", made["created_at"])
    assert [(v["sku"], v["price"]["amount"], v["available"]) for v in answer.json["variants"]] == [
        ("RED", 650, 3),
        ("BLUE", 500, 4),
    ]
    assert (levels("RED"), levels("BLUE")) == ((3, 2), (4, 0))


@pytest.mark.parametrize("change", [lambda made: put(made, body(variant("RED"), title="Mine"), 1), None])
def test_a_change_of_a_version_that_is_gone_changes_nothing(cloud, change):
    made = make(variant("RED"))
    theirs = put(made, body(variant("RED"), title="Theirs"), 1)
    stale = change(made) if change else archive(made, 1)
    assert (stale.status, stale.json["type"]) == (412, "/problems/stale")
    assert get(made).json == theirs.json


def test_of_two_changes_at_once_to_one_version_one_is_stale(cloud):
    made = make(variant("RED"))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda title: put(made, body(variant("RED"), title=title), 1), ("A", "B")))
    assert sorted(answer.status for answer in answers) == [200, 412]
    [won] = [answer.json for answer in answers if answer.status == 200]
    assert get(made).json == won


def test_who_removes_what_another_just_removed_is_overtaken_and_blames_no_reservation(cloud):
    made = make(variant("RED"), variant("BLUE"))
    old = products.find(made["product_id"])
    assert old
    new = replace(old, variants=old.variants[:1], version=2)
    products.replace(old, new)
    with pytest.raises(VersionConflict):
        products.replace(old, new)


def test_changes_while_orders_reserve_lose_no_piece(cloud):
    made = make(variant("RED", stock=20))

    def act(number):
        if number % 2:
            return put(made, body(variant("RED"), title=f"Title {number}")).status
        return refused_as(reserve(f"ord_{number}", line(made, "RED")))

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(act, range(12))) == {200, None}
    assert levels("RED") == (14, 6)
    assert get(made).json["version"] == 7


def test_a_sku_has_one_product_even_when_two_are_made_at_once(cloud):
    def attempt(number):
        return call(
            api, "POST", "/products", body=body(variant("RED"), variant(f"N{number}")), caller=staff()
        )

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(attempt, range(2)))
    assert sorted(answer.status for answer in answers) == [201, 409]
    [lost] = [answer for answer in answers if answer.status == 409]
    assert lost.json["type"] == "/problems/sku-taken"
    assert len(call(api, "GET", "/products").json["items"]) == 1


def test_a_sku_of_another_product_cannot_be_added(cloud):
    make(variant("RED"))
    other = make(variant("BLUE"))
    answer = put(other, body(variant("BLUE"), variant("RED")), 1)
    assert (answer.status, answer.json["type"]) == (409, "/problems/sku-taken")
    assert get(other).json == other


def test_a_variant_that_orders_wait_for_cannot_be_taken_out(cloud):
    made = make(variant("RED"), variant("BLUE"))
    reserve("ord_1", line(made, "BLUE"))
    answer = put(made, body(variant("RED")), 1)
    assert (answer.status, answer.json["type"]) == (409, "/problems/stock-reserved")
    assert (get(made).json["version"], levels("BLUE")) == (1, (9, 1))
    release("ord_1")
    assert put(made, body(variant("RED")), 1).status == 200
    assert call(api, "GET", "/stock/BLUE", caller=staff()).status == 404
    assert [v["sku"] for v in get(made).json["variants"]] == ["RED"]
    assert make(variant("BLUE"))["version"] == 1  # the SKU is free again


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_what_is_not_on_sale_is_not_shown(cloud, status):
    made = make(variant("RED"), status=status)
    assert get(made).status == 404
    assert call(api, "GET", "/products").json["items"] == []
    assert put(made, body(variant("RED"))).status == 200
    assert get(made).status == 200
    assert [p["product_id"] for p in call(api, "GET", "/products").json["items"]] == [made["product_id"]]


def test_an_archived_product_is_gone_from_sale_and_its_stock_is_known(cloud):
    category("Mugs")
    made = make(variant("RED", stock=4), category_ids=["mugs"])
    assert [archive(made, 1).status, archive(made).status] == [204, 204]
    assert get(made).status == 404
    for path in ("/products", "/products?category=mugs", "/products?sort=price"):
        assert call(api, "GET", path).json["items"] == []
    assert levels("RED") == (4, 0)
    assert refused_as(reserve("ord_1", line(made, "RED"))) == "/problems/out-of-stock"


@pytest.mark.parametrize(
    "archived", [archive, lambda made: put(made, body(status="archived", category_ids=["mugs"]))]
)
def test_a_draft_in_a_category_that_is_gone_can_be_archived_and_not_sold(cloud, archived):
    category("Mugs")
    made = make(variant("RED"), status="draft", category_ids=["mugs"])
    assert call(api, "DELETE", "/categories/mugs", caller=staff()).status == 204
    on_sale = put(made, body(variant("RED"), category_ids=["mugs"]))
    assert (on_sale.status, on_sale.json["errors"][0]["pointer"]) == (422, "/category_ids/0")
    assert archived(made).status in {200, 204}
    found = products.find(made["product_id"])
    assert found
    assert found.status == "archived"


def test_an_archived_product_is_not_put_in_a_category_that_never_was(cloud):
    made = make(variant("RED"))
    answer = put(made, body(variant("RED"), status="archived", category_ids=["none"]))
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/category_ids/0")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_never_was_is_not_found(cloud, method):
    sent = body(variant("RED")) if method == "PUT" else None
    answer = call(api, method, "/products/prd_none", body=sent, caller=staff())
    assert (answer.status, answer.json["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("caller", [guest(), customer(), None])
def test_only_staff_changes_the_catalog(cloud, caller):
    made = make(variant("RED"))
    path = f"/products/{made['product_id']}"
    for method, where, sent in [
        ("POST", "/products", body(variant("BLUE"))),
        ("PUT", path, body(variant("RED"), title="Mine")),
        ("DELETE", path, None),
        ("POST", "/categories", {"name": "Mine"}),
    ]:
        assert call(api, method, where, body=sent, caller=caller).status == (403 if caller else 401)
    assert get(made).json == made


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
def test_a_wrong_product_is_told_where_it_is_wrong(cloud, wrong, pointer):
    answer = call(api, "POST", "/products", body=body(variant("RED")) | wrong, caller=staff())
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert call(api, "GET", "/products").json["items"] == []


def test_a_description_has_lines(cloud):
    text = "A mug.\n\nHand wash only:\r\n\t- no soap"
    made = make(variant("RED"), description=text)
    assert get(made).json["description"] == text


def test_a_product_of_before_with_what_is_refused_now_is_read_and_goes_off_sale(cloud):
    made = make(variant("RED"))
    known = products.find(made["product_id"])
    assert known is not None
    priced = replace(known.variants[0], price=Money(amount=5, currency="BGN"))
    products.replace(known, replace(known, title="A\x00mug", variants=(priced,), version=known.version + 1))
    shown = get(made).json
    assert (shown["title"], shown["variants"][0]["price"]["currency"]) == ("A\x00mug", "BGN")
    assert archive(made).status == 204
    assert get(made).status == 404


def test_the_largest_product_is_one_transaction(calls):
    for name in "abcdefgh":
        category(name)
    largest = [variant(f"S{n:02}") for n in range(45)]
    calls.clear()
    made = make(*largest, category_ids=list("abcdefgh"))
    [sent] = [params for operation, params in calls if operation == "TransactWriteItems"]
    assert len(sent["TransactItems"]) == 100
    assert put(made, body(*largest, title="A cup", category_ids=list("abcdefgh"))).status == 200


def test_more_new_variants_than_one_transaction_takes_are_refused_whole(cloud):
    made = make(*(variant(f"A{n:02}") for n in range(45)))
    answer = put(made, body(*(variant(f"B{n:02}") for n in range(45))))
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/variants")
    assert get(made).json == made
