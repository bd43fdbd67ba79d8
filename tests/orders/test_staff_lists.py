"""Lists of all orders for staff: by status, customer, number and period."""

import json
import threading
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from orders.app.api import api
from orders.app.sweep import sweep
from orders.tables import lists
from orders.tables.packing import to_row
from orders.tables.rows import SHARDS, OrderRow
from shared.dynamodb import pages as dynamodb_pages
from shared.dynamodb.rows import connection_of
from tests.orders.conftest import SHOPPER, place, problem_of, token
from tests.orders.paid_orders import paid, placed, stored_order
from tests.orders.samples import quote
from tests.support import Context, call, customer, guest, staff


def listed(query: str = "", who=None) -> list[str]:
    """Return the ids of all pages, in order."""
    ids, cursor = [], None
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        reply = call(api, "GET", f"/admin/orders?{query}{more}", caller=who or staff())
        assert reply.status == 200, reply.text
        ids += [order["order_id"] for order in reply.json["items"]]
        cursor = reply.json["next_cursor"]
        if cursor is None:
            return ids


@pytest.fixture
def order_ids(shop, time) -> list[str]:
    """Twelve orders, placed on successive days; the third and the fifth are paid."""
    ids = []
    for number in range(12):
        order = paid() if number in (2, 4) else placed()
        ids.append(order["order_id"])
        time.advance(days=1)
    return ids


def test_pages_contain_every_order_once_newest_first(order_ids):
    for limit in (1, 5, 12, 100):
        assert listed(f"limit={limit}") == order_ids[::-1]


@pytest.mark.parametrize(
    ("query", "many"),
    [("", 12), ("status=paid", 2), ("user_id=usr_1", 12), ("user_id=usr_1&status=paid", 2)],
)
def test_a_full_last_page_has_no_cursor(order_ids, query, many):
    for limit in {many, many // 2, 1}:
        sizes, cursor = [], ""
        while cursor is not None:
            more = f"limit={limit}&{query}" + (cursor and f"&cursor={cursor}")
            page = call(api, "GET", f"/admin/orders?{more}", caller=staff()).json
            sizes.append(len(page["items"]))
            cursor = page["next_cursor"]
        assert sizes == [limit] * (many // limit)


def test_orders_are_found_by_status(order_ids, shop, time):
    assert listed("status=paid&limit=1") == [order_ids[4], order_ids[2]]
    assert len(listed("status=awaiting_payment&limit=3")) == 10
    assert sweep({}, Context()) == {"expired": 10}
    assert listed("status=awaiting_payment") == []
    assert len(listed("status=expired&limit=4")) == 10
    assert call(api, "GET", "/admin/orders?status=lost", caller=staff()).status == 422


def test_orders_are_found_by_period_with_inclusive_ends(order_ids, time):
    begun = time.moment.date().toordinal() - 12

    def day(number: int) -> str:
        return date.fromordinal(begun + number).isoformat()

    assert listed(f"from={day(3)}&to={day(5)}&limit=2") == order_ids[3:6][::-1]
    assert listed(f"to={day(1)}") == order_ids[:2][::-1]
    assert listed(f"from={day(2)}&to={day(4)}&status=paid") == [order_ids[4], order_ids[2]]
    assert listed("from=1900-01-01&to=2200-01-01") == order_ids[::-1]
    assert listed("from=1900-01-01&to=2999-01-01&user_id=usr_1") == order_ids[::-1]
    for who in ("", "&user_id=usr_1"):
        assert listed(f"from=1960-01-01&to=1965-01-01{who}") == []
    assert listed(f"from={day(10)}T00:00:00Z") == order_ids[10:][::-1]
    assert call(api, "GET", f"/admin/orders?from={day(3)}&to={day(2)}", caller=staff()).status == 422
    assert call(api, "GET", "/admin/orders?from=yesterday", caller=staff()).status == 422


def test_orders_are_found_by_customer_and_number(order_ids):
    other = customer("usr_2")
    theirs = place({"quote_token": token(quote(user_id="usr_2"))}, caller=other)
    assert theirs.status in (201, 409)
    assert listed("user_id=usr_1&limit=5") == order_ids[::-1]
    assert listed("user_id=usr_1&status=paid&limit=1") == [order_ids[4], order_ids[2]]
    assert listed("user_id=usr_nobody") == []
    number = call(api, "GET", f"/orders/{order_ids[7]}", caller=SHOPPER).json["number"]
    assert listed(f"number={number}") == [order_ids[7]]
    assert listed("number=00000-00000") == []


def test_orders_that_were_never_placed_are_not_listed(order_ids, shop):
    shop.rejection = problem_of("out-of-stock")
    assert place({"quote_token": token()}).status == 409
    assert listed() == order_ids[::-1]


def test_only_staff_list_all_orders_and_cursors_fit_one_list(order_ids):
    for who in (customer(), guest()):
        assert call(api, "GET", "/admin/orders", caller=who).status == 403
    cursor = call(api, "GET", "/admin/orders?limit=2", caller=staff()).json["next_cursor"]
    other = call(api, "GET", f"/admin/orders?limit=2&status=paid&cursor={cursor}", caller=staff())
    assert other.status == 400


def test_a_page_has_a_maximum_size_in_bytes(order_ids, monkeypatch):
    monkeypatch.setattr(lists, "MAX_BYTES", 1_500)
    assert listed("limit=100") == order_ids[::-1]
    own = call(api, "GET", "/orders?limit=100", caller=SHOPPER).json
    assert 0 < len(own["items"]) < 12
    rest = call(api, "GET", f"/orders?limit=100&cursor={own['next_cursor']}", caller=SHOPPER).json
    assert [order["order_id"] for order in [*own["items"], *rest["items"]]] == order_ids[::-1][
        : len(own["items"]) + len(rest["items"])
    ]


def test_a_list_takes_eight_queries_and_one_batch_read(order_ids, calls):
    calls.clear()
    call(api, "GET", "/admin/orders?limit=5", caller=staff())
    assert [name for name, _ in calls] == ["Query"] * 8 + ["BatchGetItem"]
    calls.clear()
    call(api, "GET", "/admin/orders?status=paid", caller=staff())
    assert {name for name, _ in calls} == {"Query", "BatchGetItem"}


def test_no_index_query_filters_by_its_own_keys(order_ids, calls):
    """DynamoDB rejects it; local clouds do not check."""
    for query in ("", "status=paid", "user_id=usr_1&status=paid&from=2026-01-01", "from=2026-01-01"):
        call(api, "GET", f"/admin/orders?{query}", caller=staff())
    for name, sent in calls:
        if name == "Query" and "FilterExpression" in sent:
            assert "IndexName" not in sent
            names = sent["ExpressionAttributeNames"]
            words = sent["FilterExpression"].replace("(", " ").split()
            assert not {names[word] for word in words if word in names} & {"user_id", "order_id"}


def test_the_shards_are_queried_side_by_side(order_ids):
    barrier = threading.Barrier(SHARDS, timeout=10)

    def wait(**_: Any) -> None:
        barrier.wait()  # fails unless all shards are queried at once

    events = connection_of(OrderRow).client.meta.events
    events.register("before-call.dynamodb.Query", wait)
    try:
        for query in ("limit=5", "limit=5&status=awaiting_payment"):
            assert len(call(api, "GET", f"/admin/orders?{query}", caller=staff()).json["items"]) == 5
    finally:
        events.unregister("before-call.dynamodb.Query", wait)


@pytest.mark.parametrize("path", ["/admin/orders", "/admin/orders?user_id=usr_1", "/orders"])
def test_a_page_of_large_orders_has_at_most_4_mb(shop, path):
    order = stored_order(placed())
    terms = replace(order.agreed_terms, lines=tuple(quote(1_000).lines))
    for number in range(19):
        to_row(replace(order, order_id=f"ord_{number:026}", terms=terms)).save()
    reply = call(api, "GET", path, caller=SHOPPER if path == "/orders" else staff())
    assert reply.status == 200
    assert len(json.dumps(reply.text, ensure_ascii=False).encode()) <= 4_000_000
    assert len(reply.json["items"]) >= 5
    assert reply.json["next_cursor"]


def test_orders_that_were_never_placed_do_not_delay_a_page(order_ids, calls, monkeypatch):
    monkeypatch.setattr(dynamodb_pages, "MAX_EXAMINED", 50)
    for number in range(110):
        row = to_row(replace(stored_order({"order_id": order_ids[0]}), order_id=f"ord_9{number:025}"))
        row.placed = row.listed = None
        row.save()
    calls.clear()
    found = []
    path = "/orders?limit=20"
    while path:
        page = call(api, "GET", path, caller=SHOPPER).json
        found.append([order["order_id"] for order in page["items"]])
        path = page["next_cursor"] and f"/orders?limit=20&cursor={page['next_cursor']}"
    assert found == [[], [], order_ids[::-1]]
    assert [name for name, _ in calls] == ["Query"] * 6
