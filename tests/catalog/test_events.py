"""Order events that change stock, the product events that the relay publishes, and product commands."""

from itertools import permutations
from itertools import product as product_of

import pytest

from catalog import domain
from catalog.app.api import api
from catalog.app.relay import relay
from catalog.tables import variants
from tests.catalog.catalog_driver import (
    all_rows,
    body,
    cancelled,
    consume_all,
    create_category,
    create_product,
    expired,
    levels,
    line,
    paid,
    problem_type,
    release,
    replace_product,
    reservation_state,
    reserve,
    send,
    variant,
)
from tests.support import Context, call, staff, stream_event


@pytest.fixture
def held(cloud):
    """A product with ten RED pieces, four of them reserved for ord_1."""
    product = create_product(variant("RED"))
    reserve("ord_1", line(product, "RED", 4))
    return product


def test_a_paid_order_is_committed_once(held):
    consume_all(paid("ord_1"), paid("ord_1"))
    consume_all(paid("ord_1"))
    assert (levels("RED"), reservation_state("ord_1")) == ((6, 0), "committed")


def test_an_order_cancelled_after_payment_is_released_once(held):
    consume_all(paid("ord_1"), cancelled("ord_1"), cancelled("ord_1"), paid("ord_1"))
    assert (levels("RED"), reservation_state("ord_1")) == ((10, 0), "released")


@pytest.mark.parametrize("end", [expired, cancelled])
def test_an_order_that_ends_unpaid_is_released_once(held, end):
    consume_all(end("ord_1"), end("ord_1"))
    assert (levels("RED"), reservation_state("ord_1")) == ((10, 0), "released")


def test_an_order_that_expired_before_reserving_cannot_reserve(cloud):
    product = create_product(variant("RED"))
    consume_all(expired("ord_1"))
    assert problem_type(reserve("ord_1", line(product, "RED"))) == "/problems/reservation-released"
    assert levels("RED") == (10, 0)


def test_a_payment_after_the_release_changes_nothing(held, caplog):
    consume_all(expired("ord_1"), paid("ord_1"))
    assert (levels("RED"), reservation_state("ord_1")) == ((10, 0), "released")
    assert "order paid after release" in caplog.messages


def test_a_payment_without_a_reservation_is_counted_and_changes_nothing(held, capsys):
    consume_all(paid("ord_2"))
    assert (levels("RED"), reservation_state("ord_2")) == ((6, 4), None)
    assert "PaidWithoutStock" in capsys.readouterr().out


def test_a_cancellation_that_arrives_before_the_payment_raises_no_alarm(held, caplog, capsys):
    """Its stock was reserved all the time; only the events arrived in reverse."""
    consume_all(cancelled("ord_1"), paid("ord_1"))
    assert (levels("RED"), reservation_state("ord_1")) == ((10, 0), "released")
    assert "order paid without stock" not in caplog.messages
    assert "PaidWithoutStock" not in capsys.readouterr().out


@pytest.mark.parametrize("max_lines", [domain.MAX_LINES, 1], ids=["one transaction", "chunks"])
def test_paid_and_cancelled_events_release_once_in_any_order_and_number(cloud, monkeypatch, max_lines):
    monkeypatch.setattr(domain, "MAX_LINES", max_lines)
    product = create_product(variant("RED"), variant("BLUE"))
    sequences = [
        sequence for length in (1, 2, 3) for sequence in product_of([paid, cancelled], repeat=length)
    ]
    for number, sequence in enumerate(sequences):
        order = f"ord_{number}"
        assert problem_type(reserve(order, line(product, "RED", 4), line(product, "BLUE", 2))) is None
        consume_all(*(event(order) for event in sequence))
        if cancelled not in sequence:
            assert (levels("RED"), levels("BLUE"), reservation_state(order)) == ((6, 0), (8, 0), "committed")
            consume_all(cancelled(order))
        assert (levels("RED"), levels("BLUE"), reservation_state(order)) == ((10, 0), (10, 0), "released")


@pytest.mark.parametrize("order", list(permutations([paid, cancelled, expired])))
def test_a_cancelled_order_holds_nothing_in_any_order_of_its_events(held, order):
    for event in order:
        consume_all(event("ord_1"), event("ord_1"))
    assert (levels("RED"), reservation_state("ord_1")) == ((10, 0), "released")


def test_a_removed_variant_does_not_block_the_release_of_other_lines(cloud):
    product = create_product(variant("RED"), variant("BLUE"))
    reserve("ord_1", line(product, "RED"), line(product, "BLUE"))
    consume_all(paid("ord_1"))
    assert replace_product(product, body(variant("RED"))).status == 200
    consume_all(cancelled("ord_1"))
    assert (levels("RED"), reservation_state("ord_1")) == ((10, 0), "released")
    assert call(api, "GET", "/stock/BLUE", caller=staff()).status == 404


class Stream:
    """Hands the table's changes since the last call to the relay and returns the published events."""

    def __init__(self, published):
        self.published = published
        self.images = {}
        self.changes()

    def changes(self):
        now = {(row["pk"]["S"], row["sk"]["S"]): row for row in all_rows()}
        changes = [
            (self.images.get(key), now.get(key))
            for key in self.images | now
            if self.images.get(key) != now.get(key)
        ]
        self.images = now
        return changes

    def relay(self, times=1):
        changes = self.changes()
        for _ in range(times):
            relay(stream_event(*changes), Context())
        return self.published("catalog")


@pytest.fixture
def stream(published):
    published("catalog")  # discard the events of earlier tests
    return Stream(published)


def test_a_new_product_publishes_one_event_per_variant(stream):
    create_category("Mugs")
    red = variant("RED", price=450, title="red")
    product = create_product(red, variant("BLUE"), title="A mug", category_ids=["mugs"])
    events = {event["subject"]: event for event in stream.relay()}
    assert events.keys() == {"RED", "BLUE"}
    assert events["RED"]["type"] == "product.changed"
    assert events["RED"]["id"] == f"RED.{events['RED']['sequence']}.product.changed"
    assert events["RED"]["data"] == {
        "product_id": product["product_id"],
        "sku": "RED",
        "title": "A mug, red",
        "unit_price": {"amount": 450, "currency": "GBP"},
        "available": 10,
        "active": True,
        "version": events["RED"]["sequence"],
        "category_ids": ["mugs"],
    }


def test_a_draft_is_published_once_it_is_on_sale(stream):
    product = create_product(variant("RED"), status="draft")
    assert stream.relay() == []
    replace_product(product, body(variant("RED")))
    [event] = stream.relay()
    assert (event["type"], event["data"]["active"]) == ("product.changed", True)


@pytest.mark.parametrize(
    ("new", "field", "value"),
    [
        (body(variant("RED"), title="A cup"), "title", "A cup"),
        (body(variant("RED", price=999)), "unit_price", {"amount": 999, "currency": "GBP"}),
    ],
)
def test_a_new_title_or_price_is_published(stream, new, field, value):
    product = create_product(variant("RED"))
    stream.relay()
    replace_product(product, new)
    [event] = stream.relay()
    assert (event["type"], event["data"][field]) == ("product.changed", value)


def test_new_categories_are_published(stream):
    create_category("Mugs")
    product = create_product(variant("RED"))
    [created] = stream.relay()
    replace_product(product, body(variant("RED"), category_ids=["mugs"]))
    [event] = stream.relay()
    assert (event["type"], event["data"]["category_ids"]) == ("product.changed", ["mugs"])
    assert event["sequence"] == created["sequence"] + 1


def test_an_event_has_the_id_of_the_request_that_caused_it(stream):
    product = create_product(variant("RED"))
    stream.relay()
    response = replace_product(product, body(variant("RED", price=999)))
    [event] = stream.relay()
    assert event["requestid"] == response.header("X-Request-Id")


def test_a_removed_variant_is_published_as_archived(stream):
    product = create_product(variant("RED"), variant("BLUE", stock=3))
    before = {event["subject"]: event for event in stream.relay()}
    assert replace_product(product, body(variant("RED"))).status == 200
    first, again = stream.relay(times=2)
    assert first == again
    assert (first["type"], first["subject"]) == ("product.archived", "BLUE")
    data = first["data"]
    assert (data["active"], data["available"], data["title"]) == (False, 0, "A mug")
    assert first["sequence"] == data["version"] == before["BLUE"]["sequence"] + 1


def test_a_variant_removed_from_a_draft_publishes_nothing(stream):
    product = create_product(variant("RED"), variant("BLUE"), status="draft")
    replace_product(product, body(variant("RED"), status="draft"))
    assert stream.relay() == []


def test_a_recreated_sku_continues_above_its_published_versions(stream):
    """Otherwise replicas would ignore its events as outdated."""
    product = create_product(variant("RED"), variant("BLUE"))
    stream.relay()
    for number in range(30):
        reserve(f"ord_{number}", line(product, "BLUE"))
        release(f"ord_{number}")
    replace_product(product, body(variant("RED")))
    removed = next(event for event in stream.relay() if event["subject"] == "BLUE")
    assert removed["type"] == "product.archived"
    create_product(variant("BLUE", price=700))
    [recreated] = stream.relay()
    assert (recreated["type"], recreated["data"]["unit_price"]["amount"]) == ("product.changed", 700)
    assert recreated["sequence"] > removed["sequence"]


def test_a_new_description_publishes_nothing(stream):
    product = create_product(variant("RED"))
    stream.relay()
    replace_product(product, body(variant("RED"), description="To drink from."))
    assert stream.relay() == []


def test_only_changes_of_low_stock_are_published(stream):
    product = create_product(variant("RED", stock=500))
    stream.relay()
    reserve("ord_1", line(product, "RED", 400))
    assert stream.relay() == []
    reserve("ord_2", line(product, "RED", 1))
    [event] = stream.relay()
    assert (event["data"]["available"], event["requestid"]) == (99, "req_1")
    consume_all(paid("ord_2"))
    assert stream.relay() == []  # a commit does not change the available stock
    consume_all(cancelled("ord_2"))
    assert [event["data"]["available"] for event in stream.relay()] == [100]


def test_an_archived_product_publishes_one_event_per_variant(stream):
    product = create_product(variant("RED"), variant("BLUE"))
    stream.relay()
    assert call(api, "DELETE", f"/products/{product['product_id']}", caller=staff()).status == 204
    events = stream.relay()
    assert {(e["type"], e["subject"], e["data"]["active"]) for e in events} == {
        ("product.archived", "RED", False),
        ("product.archived", "BLUE", False),
    }


def test_a_repeated_batch_publishes_the_same_events(stream):
    product = create_product(variant("RED"))
    stream.relay()
    reserve("ord_1", line(product, "RED"))
    first, again = stream.relay(times=2)
    assert first == again


def test_listings_show_low_stock_after_the_relay_ran(stream):
    product = create_product(variant("RED", stock=2))
    stream.relay()

    def listed():
        paths = ("/products", "/products?sort=price", "/products?in_stock=true")
        return [
            [p["variants"][0]["available"] for p in call(api, "GET", path).json["items"]] for path in paths
        ]

    reserve("ord_1", line(product, "RED", 2))
    assert listed() == [[2], [2], [2]]
    stream.relay()
    assert listed() == [[0], [0], []]
    consume_all(expired("ord_1"))
    stream.relay()
    assert listed() == [[2], [2], [2]]


def test_a_late_refresh_does_not_restore_an_archived_product(stream):
    product = create_product(variant("RED", stock=2))
    stream.relay()
    reserve("ord_1", line(product, "RED"))
    call(api, "DELETE", f"/products/{product['product_id']}", caller=staff())
    stream.relay()
    assert call(api, "GET", "/products").json["items"] == []


def test_describe_returns_known_skus_once_on_sale_or_not(cloud):
    create_product(variant("RED", stock=3), title="A mug")
    create_product(variant("BLUE"), status="draft")
    products = send("describe", skus=["RED", "NONE", "BLUE", "RED"])["output"]["products"]
    assert {(p["sku"], p["available"], p["active"]) for p in products} == {
        ("RED", 3, True),
        ("BLUE", 10, False),
    }


def all_pages():
    """Return all pages of `list_products`."""
    pages, after = [], None
    while True:
        response = send("list_products", after=after)["output"]
        pages.append(response["products"])
        after = response["after"]
        if after is None:
            return pages
        assert after.keys() == {"pk", "sk"}
        assert all(isinstance(value, str) for value in after.values())


def test_list_products_returns_each_variant_on_exactly_one_page(cloud, monkeypatch):
    monkeypatch.setattr(variants, "SCAN_PAGE_SIZE", 20)
    skus = [f"SKU-{n:02}" for n in range(30)]
    product = create_product(*(variant(sku) for sku in skus[:20]))
    create_product(*(variant(sku) for sku in skus[20:25]), status="draft")
    create_product(*(variant(sku) for sku in skus[25:]), status="archived")
    reserve("ord_1", line(product, skus[0], 3))
    pages = all_pages()
    assert len(pages) > 3
    listed = [data for page in pages for data in page]
    assert sorted(data["sku"] for data in listed) == skus
    assert {data["sku"] for data in listed if data["active"]} == set(skus[:20])
    described = send("describe", skus=skus)["output"]["products"]
    assert sorted(listed, key=str) == sorted(described, key=str)


def test_a_page_of_all_variants_is_one_bounded_scan(calls):
    create_product(variant("RED"))
    calls.clear()
    assert [len(page) for page in all_pages()] == [1]
    [(operation, sent)] = calls
    assert (operation, sent["Limit"], sent["ConsistentRead"]) == ("Scan", variants.SCAN_PAGE_SIZE, True)


def test_an_empty_catalog_has_one_empty_page(cloud):
    assert all_pages() == [[]]
