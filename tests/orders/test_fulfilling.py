"""Fulfilments, delivery, and the cancellation of paid orders."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pynamodb.exceptions import PutError

from orders.app.api import api
from orders.tables import orders
from orders.tables.packing import to_row
from orders.tables.rows import OrderRow
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.sizes import MAX_ROW, size_of
from shared.runtime import clock
from tests.orders.conftest import SHOPPER, place, read, token
from tests.orders.paid_orders import (
    delivered,
    fulfil,
    paid,
    pay,
    placed,
    refund_payment,
    request_return,
    set_status,
    stored_order,
)
from tests.orders.samples import gbp, quote
from tests.orders.samples import line as quoted_line
from tests.orders.test_reading import cancel
from tests.support import call, customer, guest, staff


def line(sku: str, quantity: int) -> dict:
    return {"sku": sku, "quantity": quantity}


def timeline(order: dict) -> list[tuple[str, str]]:
    entries = call(api, "GET", f"/orders/{order['order_id']}/timeline", caller=SHOPPER).json
    return [(entry["type"], entry["actor"]) for entry in entries]


def test_an_order_with_long_texts_keeps_room_for_later_entries(shop):
    order = paid()
    stored = stored_order(order)
    pieces = [
        quoted_line(f"SKU-{n:04}", 60, 100).model_copy(update={"title": "😀" * 200}) for n in range(240)
    ]
    terms = replace(stored.agreed_terms, lines=tuple(pieces))
    to_row(replace(stored, terms=terms)).save()
    texts: dict[str, Any] = {"carrier": "😀" * 100, "tracking": "😀" * 100}
    for count in range(50):
        reply = fulfil(order, lines=[line(f"SKU-{n:04}", 1) for n in range(count, count + 40)], **texts)
        if reply.status != 201:
            break
    assert (reply.status, reply.json["type"]) == (409, "/problems/too-many-parts")
    assert 5 < count < 40
    assert fulfil(order, **texts).json["status"] == "shipped", "the rest can always be shipped"
    back = request_return(order, ("SKU-0000", 1))
    assert (back.status, back.json["type"]) == (409, "/problems/too-many-parts")
    assert size_of(to_row(stored_order(order)).serialize()) < MAX_ROW - 100_000


def test_an_order_can_be_shipped_in_several_fulfilments(shop):
    order = paid()
    first = fulfil(order, lines=[line("SKU-0001", 1), line("SKU-0002", 3)])
    assert (first.status, first.json["status"]) == (201, "partially_shipped")
    assert [entry["fulfilled"] for entry in first.json["lines"]] == [0, 1, 3]
    (fulfilment,) = first.json["fulfilments"]
    assert (fulfilment["carrier"], fulfilment["tracking"]) == ("Royal Mail", "RM123456789GB")
    assert fulfilment["lines"] == [line("SKU-0001", 1), line("SKU-0002", 3)]
    rest = fulfil(order)
    assert rest.json["status"] == "shipped"
    assert rest.json["fulfilments"][1]["lines"] == [line("SKU-0000", 1), line("SKU-0001", 1)]
    assert [entry["fulfilled"] for entry in rest.json["lines"]] == [1, 2, 3]
    assert timeline(order) == [
        ("order.placed", "usr_1"),
        ("order.paid", "stripe"),
        ("order.shipped", "usr_staff"),
        ("order.shipped", "usr_staff"),
    ]
    assert read(order["order_id"]).json == rest.json


@pytest.mark.parametrize(
    ("lines", "pointer"),
    [
        ([line("SKU-0001", 3)], "/lines/0/quantity"),
        ([line("SKU-0001", 1), line("SKU-0001", 2)], "/lines/1/quantity"),
        ([line("SKU-0000", 1), line("SKU-9999", 1)], "/lines/1/sku"),
        ([line("SKU-0000", 0)], "/lines/0/quantity"),
        ([], "/lines"),
    ],
)
def test_no_more_can_be_shipped_than_was_ordered(shop, lines, pointer):
    order = paid()
    rejected = fulfil(order, lines=lines)
    assert rejected.status == 422
    assert rejected.json["errors"][0]["pointer"] == pointer
    assert read(order["order_id"]).json == order


def test_a_repeated_request_creates_one_fulfilment(shop, monkeypatch):
    order = paid()
    lines = [line("SKU-0002", 1)]
    # The process died after the write; after the key's lease ended, the view runs again.
    with monkeypatch.context() as patch:
        patch.setattr(
            "shared.dynamodb.idempotency.IdempotencyStore.complete",
            lambda *_: (_ for _ in ()).throw(SystemExit),
        )
        with pytest.raises(SystemExit):
            fulfil(order, key="k", lines=lines)
        patch.setattr(
            "shared.dynamodb.idempotency.IdempotencyStore.claim",
            lambda self, key, *_: self.new_row(key, "", clock.now()),
        )
        with pytest.raises(SystemExit):
            fulfil(order, key="k", lines=lines)
    assert len(read(order["order_id"]).json["fulfilments"]) == 1


def test_only_legal_transitions_are_allowed(shop):
    order = placed()
    for status in ("shipped", "delivered"):
        rejected = set_status(order, status=status)
        assert (rejected.status, rejected.json["type"]) == (409, "/problems/illegal-transition")
    pay(order)
    assert set_status(order, status="delivered").status == 409
    shipped = set_status(order, status="shipped", carrier="DHL", tracking="1Z")
    assert (shipped.status, shipped.json["status"]) == (200, "shipped")
    assert shipped.json["fulfilments"][0]["carrier"] == "DHL"
    for rejected in (
        set_status(order, status="shipped"),
        set_status(order, status="cancelled"),
        fulfil(order),
    ):
        assert rejected.json["type"] == "/problems/illegal-transition"
    assert set_status(order, status="delivered").json["status"] == "delivered"
    assert set_status(order, status="delivered").status == 409
    assert set_status(order, status="lost").status == 422
    assert set_status(order, status="delivered", carrier="DHL").status == 422


def test_only_staff_ship_orders(shop):
    order = paid()
    for who in (customer(), guest()):
        assert fulfil(order, who=who).status == 403
        assert set_status(order, who=who, status="shipped").status == 403
    assert fulfil({"order_id": "ord_none"}).status == 404
    assert set_status({"order_id": "ord_none"}, status="shipped").status == 404


def test_cancelling_a_paid_order_refunds_it_once(shop):
    order = paid()
    reply = cancel(order["order_id"], key="k")
    assert (reply.status, reply.json["status"]) == (200, "cancelled")
    assert cancel(order["order_id"], key="k").text == reply.text
    assert cancel(order["order_id"]).status == 409
    assert [kind for kind, _ in timeline(order)][2:] == ["order.cancelled", "refund.due"]
    refunded = refund_payment(order, order["total"]["amount"])
    assert (refunded["status"], refunded["refunded"]) == ("cancelled", order["total"])
    assert refund_payment(order, order["total"]["amount"]) == refunded


def test_the_timeline_shows_which_staff_member_cancelled(shop):
    order = paid()
    assert set_status(order, status="cancelled").json["reason"] == "requested_by_shop"
    assert timeline(order)[2] == ("order.cancelled", "usr_staff")
    assert set_status(order, status="cancelled").status == 409


def test_a_concurrent_cancellation_and_shipment_end_in_one_of_them(shop):
    for _ in range(3):
        order = paid()
        with ThreadPoolExecutor(4) as pool:
            jobs = [
                pool.submit(cancel, order["order_id"]),
                pool.submit(fulfil, order),
                pool.submit(set_status, order, status="cancelled"),
                pool.submit(set_status, order, status="shipped"),
            ]
            won = [job.result().status in (200, 201) for job in jobs]
        assert sum(won) == 1
        shown = read(order["order_id"]).json
        assert shown["status"] == ("cancelled" if won[0] or won[2] else "shipped")
        assert len(shown["fulfilments"]) == (won[1] or won[3])


def test_concurrent_fulfilments_never_ship_a_piece_twice(shop):
    order = paid()
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda _: fulfil(order, lines=[line("SKU-0002", 1)]), range(6)))
    assert sorted(reply.status for reply in replies) == [201] * 3 + [422] * 3
    assert read(order["order_id"]).json["lines"][2]["fulfilled"] == 3


def test_a_fully_refunded_order_becomes_refunded(shop):
    order = delivered()
    half = refund_payment(order, order["total"]["amount"] // 2)
    assert half["status"] == "delivered"
    whole = refund_payment(order, order["total"]["amount"], version=4)
    assert whole["status"] == "refunded"
    assert refund_payment(order, order["total"]["amount"] // 2, version=3) == whole, "an outdated event"
    assert [kind for kind, _ in timeline(order)][-3:] == ["refund.made", "refund.made", "order.refunded"]


def test_a_free_order_is_paid_when_it_is_placed(shop):
    zero = gbp(0)
    free = quoted_line("SKU-0000", 1, 1_000).model_copy(update={"discount": gbp(1_000), "tax": None})
    sums = {"subtotal": gbp(1_000), "discount": gbp(1_000), "shipping": zero, "shipping_tax": zero}
    quoted = quote(1, at=clock.now()).model_copy(update={**sums, "lines": [free], "tax": zero, "total": zero})
    reply = place({"quote_token": token(quoted)}, "k")
    assert (reply.status, reply.json["status"], reply.json["expires_at"]) == (201, "paid", None)
    assert place({"quote_token": token(quoted)}, "k").text == reply.text
    assert [kind for kind, _ in timeline(reply.json)] == ["order.placed", "order.paid"]
    assert set_status(reply.json, status="cancelled", who=staff()).json["refunded"]["amount"] == 0


def test_a_stale_if_match_is_rejected(shop):
    order = paid()
    path = f"/orders/{order['order_id']}/status"

    def put(version: int, status: str) -> int:
        headers = {"If-Match": f'"{version}"'}
        return call(api, "PUT", path, body={"status": status}, caller=staff(), headers=headers).status

    for status in ("shipped", "delivered", "cancelled"):
        assert put(order["version"] - 1, status) == 412
    assert put(order["version"], "shipped") == 200
    assert put(order["version"] + 1, "delivered") == 200


def test_a_full_refund_before_shipment_releases_the_stock(shop):
    order = paid()
    refunded = refund_payment(order, order["total"]["amount"])
    assert (refunded["status"], refunded["reason"]) == ("refunded", "payment_refunded")
    assert [kind for kind, _ in timeline(order)][2:] == ["refund.made", "order.cancelled", "order.refunded"]
    assert fulfil(order).status == 409


def test_a_write_repeated_by_botocore_is_recognized(shop, monkeypatch):
    """botocore repeats a put without a response; the second one fails on the first one's version."""
    order = paid()
    save = orders.save

    def save_twice(changed):
        save(changed)
        raise VersionConflict

    with monkeypatch.context() as patch:
        patch.setattr(orders, "save", save_twice)
        assert set_status(order, status="shipped").status == 200
        assert set_status(order, status="delivered").status == 200
    assert len(read(order["order_id"]).json["fulfilments"]) == 1


def test_a_write_that_conflicts_with_a_transaction_is_retried(shop, monkeypatch):
    """DynamoDB rejects a write to a row in a running transaction; moto never does."""
    order = paid()
    put, conflicts = OrderRow.save, iter([True, True, False])

    def save(row, *conditions):
        if next(conflicts, False):
            raise PutError(
                cause=ClientError(
                    {"Error": {"Code": "TransactionConflictException", "Message": ""}}, "PutItem"
                )
            )
        return put(row, *conditions)

    monkeypatch.setattr(OrderRow, "save", save)
    assert set_status(order, status="shipped").status == 200


def test_a_deeply_nested_body_is_malformed(shop):
    order = placed()
    path = f"/orders/{order['order_id']}/cancel"
    reply = call(api, "POST", path, raw="[" * 100_000, caller=SHOPPER, headers={"Idempotency-Key": "k"})
    assert (reply.status, reply.json["type"]) == (400, "/problems/malformed")
