"""What moto never does: two transactions that meet at one row, and are told so by DynamoDB."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from cart.app import api, consume
from cart.domain.promotions import Kind, Terms
from cart.service import carts, coupons, merging
from cart.tables import carts as rows_of_carts
from cart.tables import coupons as rows_of_coupons
from cart.tables.rows import CartTableRow
from shared.contracts.events import OrderCancelled
from shared.dynamodb.rows import ConcurrentUpdate, connection_of, transaction
from tests.cart.conftest import facts, hear, order, placed
from tests.support import call, customer, deliver, idempotency_headers


@pytest.fixture
def conflicts(cloud: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The next so many transactions are called off; none is written."""
    left = [2]

    @contextmanager
    def conflicting(model: Any) -> Iterator[Any]:
        with transaction(model) as writes:
            yield writes
            if left[0] > 0:
                left[0] -= 1
                raise ConcurrentUpdate

    for module in (rows_of_carts, rows_of_coupons):
        monkeypatch.setattr(module, "transaction", conflicting)
    return left


@pytest.fixture
def shop(catalog):
    hear(facts("A"), facts("B"))
    carts.add_item("usr_1", "A", 3)
    carts.add_item("gst_1", "B", 2)
    coupons.make("SPRING", Terms(kind=Kind.PERCENTAGE, value=10), None)
    return catalog


def held() -> dict[str, int]:
    return {line.sku: line.quantity for line in carts.read_cart("usr_1").cart.lines.values()}


def test_a_merge_that_meets_another_writer_is_tried_again(shop, conflicts):
    merging.move("usr_1", "gst_1")
    assert (held(), conflicts) == ({"A": 3, "B": 2}, [0])


def test_an_order_and_its_end_that_meet_others_are_counted_all_the_same(shop, conflicts):
    assert deliver(consume, placed(coupon="SPRING", A=1)) == []
    assert (held(), coupons.read("SPRING").used, conflicts) == ({"A": 2}, 1, [0])
    conflicts[0] = 2
    over = OrderCancelled.of(order(coupon="SPRING"), subject="ord_1", version=2, at=order().placed_at)
    assert deliver(consume, over) == []
    assert (coupons.read("SPRING").used, conflicts) == (0, [0])


def test_an_add_with_a_key_that_meets_another_writer_is_tried_again(shop, conflicts):
    body = {"sku": "A", "quantity": 1}
    assert (
        call(api, "POST", "/cart/items", body=body, caller=customer(), headers=idempotency_headers()).status
        == 200
    )
    assert (held(), conflicts) == ({"A": 4}, [0])


def test_who_is_never_let_through_is_told_to_ask_again_and_nothing_is_done(shop, conflicts, monkeypatch):
    monkeypatch.setattr("shared.dynamodb.concurrency.PAUSE", timedelta(0))
    conflicts[0] = 100
    refused = call(api, "POST", "/cart/merge", body={"guest_token": "token of gst_1"}, caller=customer())
    assert (refused.status, refused.header("Retry-After")) == (503, "1")
    assert held() == {"A": 3}
    assert deliver(consume, placed(coupon="SPRING", A=1)) == ["m0"]
    assert (held(), coupons.read("SPRING").used) == ({"A": 3}, 0)


def test_a_transaction_writes_no_row_twice(shop):
    seen: list[list[str]] = []

    def note(params: Any, **_: Any) -> None:
        writes = json.loads(params["body"])["TransactItems"]
        keys = [next(iter(write.values())) for write in writes]
        seen.append([key.get("Key", key.get("Item"))["pk"]["S"] for key in keys])

    events = connection_of(CartTableRow).client.meta.events
    events.register("before-call.dynamodb.TransactWriteItems", note)
    try:
        merging.move("usr_1", "gst_1")
        deliver(consume, placed(coupon="SPRING", A=1))
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", note)
    assert seen == [
        ["cart#usr_1", "cart#gst_1"],
        ["event#ord_1.forgotten", "cart#usr_1", "uses#SPRING", "uses#SPRING#usr_1"],
    ]
