"""What orders' ends mean for stock, and what the catalog tells of its products."""

from itertools import permutations
from itertools import product as product_of

import pytest

from catalog import domain
from catalog.app import api, consume, relay
from catalog.tables import variants
from tests.catalog.catalog_driver import (
    ask,
    body,
    cancelled,
    category,
    expired,
    levels,
    line,
    make,
    paid,
    put,
    refused_as,
    release,
    reserve,
    rows,
    state,
    variant,
)
from tests.support import Context, call, deliver, staff, stream_event


def heard(*events):
    assert deliver(consume, *events) == []


@pytest.fixture
def held(cloud):
    """Ten of RED, four of them held for ord_1."""
    product = make(variant("RED"))
    reserve("ord_1", line(product, "RED", 4))
    return product


def test_a_paid_order_is_sold_once(held):
    heard(paid("ord_1"), paid("ord_1"))
    heard(paid("ord_1"))
    assert (levels("RED"), state("ord_1")) == ((6, 0), "committed")


def test_an_order_cancelled_after_it_was_paid_comes_back_once(held):
    heard(paid("ord_1"), cancelled("ord_1"), cancelled("ord_1"), paid("ord_1"))
    assert (levels("RED"), state("ord_1")) == ((10, 0), "released")


@pytest.mark.parametrize("end", [expired, cancelled])
def test_an_order_that_ends_unpaid_is_on_sale_again_once(held, end):
    heard(end("ord_1"), end("ord_1"))
    assert (levels("RED"), state("ord_1")) == ((10, 0), "released")


def test_an_order_that_expired_before_it_reserved_holds_nothing(cloud):
    product = make(variant("RED"))
    heard(expired("ord_1"))
    assert refused_as(reserve("ord_1", line(product, "RED"))) == "/problems/reservation-released"
    assert levels("RED") == (10, 0)


def test_news_of_payment_after_the_stock_was_let_go_changes_nothing(held, caplog):
    heard(expired("ord_1"), paid("ord_1"))
    assert (levels("RED"), state("ord_1")) == ((10, 0), "released")
    assert "paid after release" in caplog.messages


def test_news_of_payment_of_an_order_that_never_reserved_is_told_and_changes_nothing(held, capsys):
    heard(paid("ord_2"))
    assert (levels("RED"), state("ord_2")) == ((6, 4), None)
    assert "PaidWithoutStock" in capsys.readouterr().out


def test_a_paid_orders_cancellation_that_comes_first_raises_no_alarm(held, caplog, capsys):
    """Its stock was there all the time: the news merely crossed."""
    heard(cancelled("ord_1"), paid("ord_1"))
    assert (levels("RED"), state("ord_1")) == ((10, 0), "released")
    assert "paid without stock" not in caplog.messages
    assert "PaidWithoutStock" not in capsys.readouterr().out


@pytest.mark.parametrize("most", [domain.MAX_LINES, 1], ids=["at once", "in chunks"])
def test_a_paid_and_cancelled_order_is_back_on_the_shelf_however_often_and_whenever_each_is_heard(
    cloud, monkeypatch, most
):
    monkeypatch.setattr(domain, "MAX_LINES", most)
    product = make(variant("RED"), variant("BLUE"))
    stories = [story for length in (1, 2, 3) for story in product_of([paid, cancelled], repeat=length)]
    for number, story in enumerate(stories):
        order = f"ord_{number}"
        assert refused_as(reserve(order, line(product, "RED", 4), line(product, "BLUE", 2))) is None
        heard(*(say(order) for say in story))
        if cancelled not in story:
            assert (levels("RED"), levels("BLUE"), state(order)) == ((6, 0), (8, 0), "committed")
            heard(cancelled(order))
        assert (levels("RED"), levels("BLUE"), state(order)) == ((10, 0), (10, 0), "released")


@pytest.mark.parametrize("order", list(permutations([paid, cancelled, expired])))
def test_in_whatever_order_news_comes_a_given_up_order_holds_nothing(held, order):
    for say in order:
        heard(say("ord_1"), say("ord_1"))
    assert (levels("RED"), state("ord_1")) == ((10, 0), "released")


def test_what_was_sold_of_a_variant_no_longer_made_holds_up_nothing(cloud):
    product = make(variant("RED"), variant("BLUE"))
    reserve("ord_1", line(product, "RED"), line(product, "BLUE"))
    heard(paid("ord_1"))
    assert put(product, body(variant("RED"))).status == 200
    heard(cancelled("ord_1"))
    assert (levels("RED"), state("ord_1")) == ((10, 0), "released")
    assert call(api, "GET", "/stock/BLUE", caller=staff()).status == 404


class Stream:
    """The table's changes since the last look, handed to the relay; and what it then said."""

    def __init__(self, published):
        self.published = published
        self.seen = {}
        self.look()

    def look(self):
        now = {(row["pk"]["S"], row["sk"]["S"]): row for row in rows()}
        changes = [
            (self.seen.get(key), now.get(key))
            for key in self.seen | now
            if self.seen.get(key) != now.get(key)
        ]
        self.seen = now
        return changes

    def relay(self, times=1):
        changes = self.look()
        for _ in range(times):
            relay(stream_event(*changes), Context())
        return self.published("catalog")


@pytest.fixture
def said(published):
    published("catalog")  # what earlier tests said
    return Stream(published)


def test_a_new_product_is_told_variant_by_variant(said):
    category("Mugs")
    red = variant("RED", price=450, title="red")
    product = make(red, variant("BLUE"), title="A mug", category_ids=["mugs"])
    events = {event["subject"]: event for event in said.relay()}
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


def test_a_draft_is_nobodys_news_until_it_is_sold(said):
    product = make(variant("RED"), status="draft")
    assert said.relay() == []
    put(product, body(variant("RED")))
    [event] = said.relay()
    assert (event["type"], event["data"]["active"]) == ("product.changed", True)


@pytest.mark.parametrize(
    ("wanted", "field", "value"),
    [
        (body(variant("RED"), title="A cup"), "title", "A cup"),
        (body(variant("RED", price=999)), "unit_price", {"amount": 999, "currency": "GBP"}),
    ],
)
def test_a_new_title_or_price_is_told(said, wanted, field, value):
    product = make(variant("RED"))
    said.relay()
    put(product, wanted)
    [event] = said.relay()
    assert (event["type"], event["data"][field]) == ("product.changed", value)


def test_new_categories_are_told(said):
    category("Mugs")
    product = make(variant("RED"))
    [made] = said.relay()
    put(product, body(variant("RED"), category_ids=["mugs"]))
    [event] = said.relay()
    assert (event["type"], event["data"]["category_ids"]) == ("product.changed", ["mugs"])
    assert event["sequence"] == made["sequence"] + 1


def test_news_of_a_change_carry_the_request_that_made_it(said):
    product = make(variant("RED"))
    said.relay()
    answer = put(product, body(variant("RED", price=999)))
    [event] = said.relay()
    assert event["requestid"] == answer.header("X-Request-Id")


def test_a_variant_that_is_taken_out_is_told_as_archived(said):
    product = make(variant("RED"), variant("BLUE", stock=3))
    before = {event["subject"]: event for event in said.relay()}
    assert put(product, body(variant("RED"))).status == 200
    first, again = said.relay(times=2)
    assert first == again
    assert (first["type"], first["subject"]) == ("product.archived", "BLUE")
    told = first["data"]
    assert (told["active"], told["available"], told["title"]) == (False, 0, "A mug")
    assert first["sequence"] == told["version"] == before["BLUE"]["sequence"] + 1


def test_of_a_draft_that_is_taken_out_nothing_is_told(said):
    product = make(variant("RED"), variant("BLUE"), status="draft")
    put(product, body(variant("RED"), status="draft"))
    assert said.relay() == []


def test_a_sku_that_is_made_anew_goes_on_above_what_was_told_of_it(said):
    """Or whoever keeps a copy would take its news for old ones."""
    product = make(variant("RED"), variant("BLUE"))
    said.relay()
    for number in range(30):
        reserve(f"ord_{number}", line(product, "BLUE"))
        release(f"ord_{number}")
    put(product, body(variant("RED")))
    gone = next(event for event in said.relay() if event["subject"] == "BLUE")
    assert gone["type"] == "product.archived"
    make(variant("BLUE", price=700))
    [anew] = said.relay()
    assert (anew["type"], anew["data"]["unit_price"]["amount"]) == ("product.changed", 700)
    assert anew["sequence"] > gone["sequence"]


def test_a_new_description_is_not_told(said):
    product = make(variant("RED"))
    said.relay()
    put(product, body(variant("RED"), description="To drink from."))
    assert said.relay() == []


def test_plenty_that_moves_is_not_told_and_scarcity_is(said):
    product = make(variant("RED", stock=500))
    said.relay()
    reserve("ord_1", line(product, "RED", 400))
    assert said.relay() == []
    reserve("ord_2", line(product, "RED", 1))
    [event] = said.relay()
    assert (event["data"]["available"], event["requestid"]) == (99, "req_1")
    heard(paid("ord_2"))
    assert said.relay() == []  # what is sold was gone from sale already
    heard(cancelled("ord_2"))
    assert [event["data"]["available"] for event in said.relay()] == [100]


def test_an_archived_product_is_told(said):
    product = make(variant("RED"), variant("BLUE"))
    said.relay()
    assert call(api, "DELETE", f"/products/{product['product_id']}", caller=staff()).status == 204
    events = said.relay()
    assert {(e["type"], e["subject"], e["data"]["active"]) for e in events} == {
        ("product.archived", "RED", False),
        ("product.archived", "BLUE", False),
    }


def test_news_told_again_has_the_same_ids(said):
    product = make(variant("RED"))
    said.relay()
    reserve("ord_1", line(product, "RED"))
    first, again = said.relay(times=2)
    assert first == again


def test_lists_show_scarce_stock_once_its_news_went_out(said):
    product = make(variant("RED", stock=2))
    said.relay()

    def listed():
        paths = ("/products", "/products?sort=price", "/products?in_stock=true")
        return [
            [p["variants"][0]["available"] for p in call(api, "GET", path).json["items"]] for path in paths
        ]

    reserve("ord_1", line(product, "RED", 2))
    assert listed() == [[2], [2], [2]]
    said.relay()
    assert listed() == [[0], [0], []]
    heard(expired("ord_1"))
    said.relay()
    assert listed() == [[2], [2], [2]]


def test_a_late_refresh_does_not_put_back_what_left_the_list(said):
    product = make(variant("RED", stock=2))
    said.relay()
    reserve("ord_1", line(product, "RED"))
    call(api, "DELETE", f"/products/{product['product_id']}", caller=staff())
    said.relay()
    assert call(api, "GET", "/products").json["items"] == []


def test_asked_of_products_the_catalog_tells_what_it_knows(cloud):
    make(variant("RED", stock=3), title="A mug")
    make(variant("BLUE"), status="draft")
    products = ask("describe", skus=["RED", "NONE", "BLUE", "RED"])["output"]["products"]
    assert {(p["sku"], p["available"], p["active"]) for p in products} == {
        ("RED", 3, True),
        ("BLUE", 10, False),
    }


def whole_catalog():
    """Every page of everything the catalog knows."""
    pages, after = [], None
    while True:
        answer = ask("list_products", after=after)["output"]
        pages.append(answer["products"])
        after = answer["after"]
        if after is None:
            return pages
        assert after.keys() == {"pk", "sk"}
        assert all(isinstance(value, str) for value in after.values())


def test_asked_for_everything_the_catalog_tells_each_variant_once_page_by_page(cloud, monkeypatch):
    monkeypatch.setattr(variants, "SCAN_PAGE_SIZE", 20)
    skus = [f"SKU-{n:02}" for n in range(30)]
    made = make(*(variant(sku) for sku in skus[:20]))
    make(*(variant(sku) for sku in skus[20:25]), status="draft")
    make(*(variant(sku) for sku in skus[25:]), status="archived")
    reserve("ord_1", line(made, skus[0], 3))
    pages = whole_catalog()
    assert len(pages) > 3
    told = [facts for page in pages for facts in page]
    assert sorted(facts["sku"] for facts in told) == skus
    assert {facts["sku"] for facts in told if facts["active"]} == set(skus[:20])
    described = ask("describe", skus=skus)["output"]["products"]
    assert sorted(told, key=str) == sorted(described, key=str)


def test_a_page_of_everything_is_one_bounded_scan(calls):
    make(variant("RED"))
    calls.clear()
    assert [len(page) for page in whole_catalog()] == [1]
    [(operation, sent)] = calls
    assert (operation, sent["Limit"], sent["ConsistentRead"]) == ("Scan", variants.SCAN_PAGE_SIZE, True)


def test_of_an_empty_catalog_there_is_one_empty_page(cloud):
    assert whole_catalog() == [[]]
