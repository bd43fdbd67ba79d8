"""Reading and cancelling orders, and the cost of an order in calls and write units."""

from typing import Any

from orders.app.api import api
from orders.app.commands import commands
from orders.domain.transitions import Status
from orders.tables import rows as tables
from shared.dynamodb.sizes import size_of
from tests.orders.conftest import SHOPPER, place, problem_of, read, token
from tests.simulator.usage import Usage
from tests.support import Context, call, customer, guest, idempotency_headers, staff

STOCK_ROWS = 3 + 1  # rows that catalog writes to reserve: three SKUs and the reservation


def placed(**changes: Any) -> str:
    order_id: str = place({"quote_token": token(**changes)}).json["order_id"]
    return order_id


def listed(query: str = "") -> tuple[list[str], str | None]:
    page = call(api, "GET", f"/orders{query}", caller=SHOPPER).json
    return [order["order_id"] for order in page["items"]], page["next_cursor"]


def cancel(order_id: str, caller=SHOPPER, key: str | None = None):
    return call(api, "POST", f"/orders/{order_id}/cancel", caller=caller, headers=idempotency_headers(key))


def test_only_the_owner_and_staff_can_read_an_order(shop):
    order_id = placed()
    for path in (f"/orders/{order_id}", f"/orders/{order_id}/timeline"):
        for who, status in ((SHOPPER, 200), (staff(), 200), (customer("usr_2"), 404), (guest(), 404)):
            assert call(api, "GET", path, caller=who).status == status
    for unknown in ("ord_none", "x" * 2_000, "%00"):
        assert read(unknown).status == 404
        assert read(unknown, caller=staff()).status == 404
        assert cancel(unknown).status == 404
    assert call(api, "GET", "/orders", caller=None).status == 401


def test_an_id_that_is_too_long_is_not_looked_up(shop, calls):
    assert read("x" * 2_000, caller=staff()).status == 404
    assert calls == []


def test_an_order_takes_one_read_and_a_page_one_query(shop, calls):
    order_id = placed()
    calls.clear()
    read(order_id)
    assert [name for name, _ in calls] == ["GetItem"]
    calls.clear()
    listed()
    assert [name for name, _ in calls] == ["Query"]


def test_orders_are_listed_newest_first_in_pages(shop):
    order_ids = [placed() for _ in range(5)]
    first, cursor = listed("?limit=2")
    second, cursor = listed(f"?limit=2&cursor={cursor}")
    third, end = listed(f"?limit=2&cursor={cursor}")
    assert [*first, *second, *third] == sorted(order_ids, reverse=True)
    assert end is None
    foreign = call(api, "GET", f"/orders?cursor={cursor}", caller=customer("usr_2"))
    altered = call(api, "GET", f"/orders?cursor={cursor}x", caller=SHOPPER)
    assert (foreign.status, altered.status) == (400, 400)
    assert call(api, "GET", "/orders?limit=101", caller=SHOPPER).status == 422


def test_a_full_last_page_has_no_cursor(shop):
    order_ids = [placed() for _ in range(4)]
    assert listed("?limit=4") == (order_ids[::-1], None)
    first, cursor = listed("?limit=2")
    assert listed(f"?limit=2&cursor={cursor}") == (order_ids[1::-1], None)
    assert first == order_ids[:1:-1]


def test_rejected_orders_do_not_create_a_further_page(shop):
    shop.rejection = problem_of("out-of-stock")
    assert place({"quote_token": token()}).status == 409
    shop.rejection = None
    order_ids = [placed() for _ in range(2)]
    assert listed("?limit=2") == (order_ids[::-1], None)


def test_a_rejected_order_is_not_listed(shop):
    order_id = placed()
    shop.rejection = problem_of("out-of-stock")
    assert place({"quote_token": token()}).status == 409
    assert listed()[0] == [order_id]


def test_the_timeline_lists_the_orders_history(shop):
    order_id = placed()
    cancel(order_id)
    timeline = call(api, "GET", f"/orders/{order_id}/timeline", caller=SHOPPER).json
    assert [entry["type"] for entry in timeline] == ["order.placed", "order.cancelled"]
    assert [set(entry) for entry in timeline] == [{"at", "type", "actor", "detail"}] * 2


def test_an_unpaid_order_can_be_cancelled_once(shop):
    order_id = placed()
    reply = cancel(order_id, key="k")
    assert (reply.status, reply.json["status"], reply.json["version"]) == (200, "cancelled", 3)
    again = cancel(order_id, key="k")
    assert (again.text, again.header("Idempotent-Replayed")) == (reply.text, "true")
    other = cancel(order_id)
    assert (other.status, other.json["type"]) == (409, "/problems/illegal-transition")
    assert call(api, "POST", f"/orders/{order_id}/cancel", caller=SHOPPER).status == 400


def test_nobody_can_cancel_another_shoppers_order(shop):
    order_id = placed()
    for who in (customer("usr_2"), guest(), staff()):
        assert cancel(order_id, caller=who).status == 404
    assert read(order_id).json["status"] == "awaiting_payment"


def test_shipped_and_closed_orders_cannot_be_cancelled(shop):
    order_id = placed()
    for status in set(Status) - {Status.PENDING, Status.AWAITING_PAYMENT, Status.PAID}:
        tables.OrderRow("usr_1", order_id).update([tables.OrderRow.status.set(status)])
        assert cancel(order_id).json["type"] == "/problems/illegal-transition"


def test_describe_returns_any_order(shop):
    order_id = placed()
    event = {"command": "describe", "input": {"order_id": order_id}, "request_id": "r"}
    output = commands(event, Context())["output"]
    assert (output["order"]["user_id"], output["order"]["status"]) == (
        "usr_1",
        "awaiting_payment",
    )
    assert output["order"]["total"] == read(order_id).json["total"]
    assert output["version"] == 2
    event["input"] = {"order_id": "ord_none"}
    assert commands(event, Context())["problem"]["type"] == "/problems/not-found"


def test_the_health_check_succeeds(cloud):
    assert api({"health": True}, Context())["status"] == "ok"


def test_an_order_of_three_lines_stays_within_its_budget(shop, calls, monkeypatch):
    """3 DynamoDB calls (one in catalog), at most 20 write units including indexes, 2 Lambdas deep."""
    usage = Usage(monkeypatch, lambda: "orders")
    assert place({"quote_token": token()}).status == 201
    assert shop.invoked == ["tillstack-test-catalog-commands"]
    assert [name for name, _ in calls] == ["TransactWriteItems", "PutItem"]
    claim, pending = (write["Put"]["Item"] for write in calls[0][1]["TransactItems"])
    final = calls[1][1]["Item"]
    assert size_of(claim) <= 1024
    assert size_of(pending) <= 1024
    assert size_of(final) <= 2048, "under 2 KB for three lines"
    units = usage.units["orders"] + 2 * STOCK_ROWS
    print(f"write units: {2 * STOCK_ROWS} by catalog, {units} in total; {size_of(final)} bytes")
    assert units <= 20
