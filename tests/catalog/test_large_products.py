"""The largest products: within DynamoDB's limits they are stored, beyond them they are rejected."""

import json

from catalog.app.api import api
from catalog.tables import products
from tests.catalog.catalog_driver import body, create_category, create_product, variant
from tests.support import call, idempotency_headers, staff


def product(character: str, variants: int = 45, **more):
    """Return a product whose variants have ten options, each with a name and a value of 100 characters."""
    options = {f"{character * 98}{n:02}": character * 100 for n in range(10)}
    return body(*(variant(f"SKU-{n}", options=options) for n in range(variants)), **more)


def create(content, **request):
    """Send the product as UTF-8 without escapes, which has half the size."""
    raw = json.dumps(content, ensure_ascii=False)
    return call(api, "POST", "/products", raw=raw, caller=staff(), **request)


def test_a_large_product_in_characters_of_two_bytes_is_stored_and_listed(cloud):
    created = create(product("é"), headers=idempotency_headers())
    assert created.status == 201, created.text
    assert call(api, "GET", "/products").json["items"] == [created.json]


def test_a_product_that_does_not_fit_into_a_row_is_rejected(cloud):
    description = "".join(chr(0x20000 + n) for n in range(5_000))
    for character in "😀", "𝄞":
        rejected = create(product(character, description=description), headers=idempotency_headers())
        assert rejected.status == 422, rejected.text
        assert rejected.json["type"] == "/problems/invalid"
        [error] = rejected.json["errors"]
        assert error["pointer"] == "/variants"
        assert "too large to store" in error["detail"]
    assert call(api, "GET", "/products").json["items"] == []


def test_a_product_cannot_grow_beyond_a_row(cloud):
    small = create_product(*(variant(f"SKU-{n}") for n in range(45)))
    text = "𝄞" * 5_000
    raw = json.dumps(product("😀", description=text), ensure_ascii=False)
    rejected = call(api, "PUT", f"/products/{small['product_id']}", raw=raw, caller=staff())
    assert (rejected.status, rejected.json["errors"][0]["pointer"]) == (422, "/variants")
    assert call(api, "GET", f"/products/{small['product_id']}").json == small


def test_a_product_in_many_categories_fits_into_its_transaction(cloud, monkeypatch):
    categories = [create_category(f"Category {n}") for n in range(8)]
    assert create(product("漢", 40, category_ids=categories)).status == 201
    monkeypatch.setattr(products, "MAX_TRANSACTION", 2_000_000)
    again = product("漢", 40, category_ids=categories)
    rejected = create(again)
    assert (rejected.status, rejected.json["errors"][0]["pointer"]) == (422, "/variants")
