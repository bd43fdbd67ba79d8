"""Reading one's orders, giving them up, and what they cost in calls and write units."""

from typing import Any

from orders.app import api, commands
from orders.domain.transitions import Status
from orders.tables import rows as tables
from tests.orders.conftest import SHOPPER, declined, place, read, token
from tests.simulator.usage import Usage, size
from tests.support import Context, call, customer, guest, idempotency_headers, staff

STOCK_ROWS = 3 + 1  # what the catalog's reservation writes in its transaction: three SKUs and itself


def placed(**changes: Any) -> str:
    order_id: str = place({"quote_token": token(**changes)}).json["order_id"]
    return order_id


def listed(query: str = "") -> tuple[list[str], str | None]:
    page = call(api, "GET", f"/orders{query}", caller=SHOPPER).json
    return [order["order_id"] for order in page["items"]], page["next_cursor"]


def cancel(order_id: str, caller=SHOPPER, key: str | None = None):
    return call(api, "POST", f"/orders/{order_id}/cancel", caller=caller, headers=idempotency_headers(key))


def test_an_order_is_seen_by_its_owner_and_by_staff(shop):
    order_id = placed()
    for path in (f"/orders/{order_id}", f"/orders/{order_id}/timeline"):
        for who, status in ((SHOPPER, 200), (staff(), 200), (customer("usr_2"), 404), (guest(), 404)):
            assert call(api, "GET", path, caller=who).status == status
    for unknown in ("ord_none", "x" * 2_000, "%00"):
        assert read(unknown).status == 404
        assert read(unknown, caller=staff()).status == 404
        assert cancel(unknown).status == 404
    assert call(api, "GET", "/orders", caller=None).status == 401


def test_an_id_that_is_no_key_is_not_looked_for(shop, calls):
    assert read("x" * 2_000, caller=staff()).status == 404
    assert calls == []


def test_one_read_shows_an_order_and_one_query_a_page(shop, calls):
    order_id = placed()
    calls.clear()
    read(order_id)
    assert [name for name, _ in calls] == ["GetItem"]
    calls.clear()
    listed()
    assert [name for name, _ in calls] == ["Query"]


def test_orders_are_listed_newest_first_in_pages(shop):
    made = [placed() for _ in range(5)]
    first, cursor = listed("?limit=2")
    second, cursor = listed(f"?limit=2&cursor={cursor}")
    third, end = listed(f"?limit=2&cursor={cursor}")
    assert [*first, *second, *third] == sorted(made, reverse=True)
    assert end is None
    foreign = call(api, "GET", f"/orders?cursor={cursor}", caller=customer("usr_2"))
    altered = call(api, "GET", f"/orders?cursor={cursor}x", caller=SHOPPER)
    assert (foreign.status, altered.status) == (400, 400)
    assert call(api, "GET", "/orders?limit=101", caller=SHOPPER).status == 422


def test_a_last_page_that_is_full_is_known_to_be_the_last(shop):
    made = [placed() for _ in range(4)]
    assert listed("?limit=4") == (made[::-1], None)
    first, cursor = listed("?limit=2")
    assert listed(f"?limit=2&cursor={cursor}") == (made[1::-1], None)
    assert first == made[:1:-1]


def test_what_lies_behind_the_last_page_and_was_refused_makes_no_further_page(shop):
    shop.reject = declined("out-of-stock")
    assert place({"quote_token": token()}).status == 409
    shop.reject = None
    made = [placed() for _ in range(2)]
    assert listed("?limit=2") == (made[::-1], None)


def test_what_was_refused_is_not_in_the_list(shop):
    order_id = placed()
    shop.reject = declined("out-of-stock")
    assert place({"quote_token": token()}).status == 409
    assert listed()[0] == [order_id]


def test_the_timeline_is_a_list_of_what_happened(shop):
    order_id = placed()
    cancel(order_id)
    timeline = call(api, "GET", f"/orders/{order_id}/timeline", caller=SHOPPER).json
    assert [entry["type"] for entry in timeline] == ["order.placed", "order.cancelled"]
    assert [set(entry) for entry in timeline] == [{"at", "type", "actor", "detail"}] * 2


def test_an_unpaid_order_can_be_given_up_once(shop):
    order_id = placed()
    reply = cancel(order_id, key="k")
    assert (reply.status, reply.json["status"], reply.json["version"]) == (200, "cancelled", 3)
    again = cancel(order_id, key="k")
    assert (again.text, again.header("Idempotent-Replayed")) == (reply.text, "true")
    other = cancel(order_id)
    assert (other.status, other.json["type"]) == (409, "/problems/illegal-transition")
    assert call(api, "POST", f"/orders/{order_id}/cancel", caller=SHOPPER).status == 400


def test_nobody_gives_up_anothers_order(shop):
    order_id = placed()
    for who in (customer("usr_2"), guest(), staff()):
        assert cancel(order_id, caller=who).status == 404
    assert read(order_id).json["status"] == "awaiting_payment"


def test_what_is_shipped_or_over_is_not_given_up(shop):
    order_id = placed()
    for status in set(Status) - {Status.PENDING, Status.AWAITING_PAYMENT, Status.PAID}:
        tables.OrderRow("usr_1", order_id).update([tables.OrderRow.status.set(status)])
        assert cancel(order_id).json["type"] == "/problems/illegal-transition"


def test_payments_can_ask_for_any_order(shop):
    order_id = placed()
    asked = {"command": "describe", "input": {"order_id": order_id}, "request_id": "r"}
    told = commands(asked, Context())["output"]
    assert (told["order"]["user_id"], told["order"]["status"]) == ("usr_1", "awaiting_payment")
    assert told["order"]["total"] == read(order_id).json["total"]
    assert told["version"] == 2
    asked["input"] = {"order_id": "ord_none"}
    assert commands(asked, Context())["problem"]["type"] == "/problems/not-found"


def test_the_service_says_how_it_is(cloud):
    assert api({"health": True}, Context())["status"] == "ok"


def test_an_order_of_three_lines_keeps_its_budget(shop, calls, monkeypatch):
    """3 calls of DynamoDB (one in catalog), at most 20 write units with the indexes', 2 Lambdas deep."""
    usage = Usage(monkeypatch, lambda: "orders")
    assert place({"quote_token": token()}).status == 201
    assert shop.asked == ["tillstack-test-catalog-commands"]
    assert [name for name, _ in calls] == ["TransactWriteItems", "PutItem"]
    claim, pending = (write["Put"]["Item"] for write in calls[0][1]["TransactItems"])
    final = calls[1][1]["Item"]
    assert size(claim) <= 1024
    assert size(pending) <= 1024
    assert size(final) <= 2048, "under 2 KB for three lines"
    units = usage.units["orders"] + 2 * STOCK_ROWS
    print(f"write units: {2 * STOCK_ROWS} of them catalog's, {units} in all; {size(final)} bytes")
    assert units <= 20
