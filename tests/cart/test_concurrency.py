"""Transaction conflicts, which DynamoDB reports and moto never does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from cart.app.api import api
from cart.app.consume import consume
from cart.domain.promotions import Kind, Terms
from cart.service import carts, coupons, merging
from cart.tables import carts as cart_rows
from cart.tables import coupons as coupon_rows
from cart.tables.rows import CartTableRow
from shared.contracts.events.orders import OrderCancelled
from shared.dynamodb.rows import ConcurrentUpdate, connection_of, transaction
from tests.cart.conftest import order, placed, product_data, receive
from tests.support import call, customer, deliver, idempotency_headers


@pytest.fixture
def conflicts(cloud: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of transactions to cancel next, as a list of one; a cancelled transaction writes nothing."""
    remaining = [2]

    @contextmanager
    def conflicting(model: Any) -> Iterator[Any]:
        with transaction(model) as writes:
            yield writes
            if remaining[0] > 0:
                remaining[0] -= 1
                raise ConcurrentUpdate

    for module in (cart_rows, coupon_rows):
        monkeypatch.setattr(module, "transaction", conflicting)
    return remaining


@pytest.fixture
def shop(catalog):
    receive(product_data("A"), product_data("B"))
    carts.add_item("usr_1", "A", 3)
    carts.add_item("gst_1", "B", 2)
    coupons.create("SPRING", Terms(kind=Kind.PERCENTAGE, value=10), None)
    return catalog


def quantities() -> dict[str, int]:
    return {line.sku: line.quantity for line in carts.read_cart("usr_1").cart.lines.values()}


def test_a_merge_is_retried_after_a_transaction_conflict(shop, conflicts):
    merging.move("usr_1", "gst_1")
    assert (quantities(), conflicts) == ({"A": 3, "B": 2}, [0])


def test_order_events_are_retried_and_counted_after_a_transaction_conflict(shop, conflicts):
    assert deliver(consume, placed(coupon="SPRING", A=1)) == []
    assert (quantities(), coupons.read("SPRING").used, conflicts) == ({"A": 2}, 1, [0])
    conflicts[0] = 2
    cancelled = OrderCancelled.of(order(coupon="SPRING"), subject="ord_1", version=2, at=order().placed_at)
    assert deliver(consume, cancelled) == []
    assert (coupons.read("SPRING").used, conflicts) == (0, [0])


def test_an_addition_with_a_key_is_retried_after_a_transaction_conflict(shop, conflicts):
    body = {"sku": "A", "quantity": 1}
    headers = idempotency_headers()
    assert call(api, "POST", "/cart/items", body=body, caller=customer(), headers=headers).status == 200
    assert (quantities(), conflicts) == ({"A": 4}, [0])


def test_endless_conflicts_are_a_503_and_nothing_is_written(shop, conflicts, monkeypatch):
    monkeypatch.setattr("shared.dynamodb.concurrency.PAUSE", timedelta(0))
    conflicts[0] = 100
    refused = call(api, "POST", "/cart/merge", body={"guest_token": "token of gst_1"}, caller=customer())
    assert (refused.status, refused.header("Retry-After")) == (503, "1")
    assert quantities() == {"A": 3}
    assert deliver(consume, placed(coupon="SPRING", A=1)) == ["m0"]
    assert (quantities(), coupons.read("SPRING").used) == ({"A": 3}, 0)


def test_a_transaction_writes_no_row_twice(shop):
    transactions: list[list[str]] = []

    def record(params: Any, **_: Any) -> None:
        writes = json.loads(params["body"])["TransactItems"]
        keys = [next(iter(write.values())) for write in writes]
        transactions.append([key.get("Key", key.get("Item"))["pk"]["S"] for key in keys])

    events = connection_of(CartTableRow).client.meta.events
    events.register("before-call.dynamodb.TransactWriteItems", record)
    try:
        merging.move("usr_1", "gst_1")
        deliver(consume, placed(coupon="SPRING", A=1))
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", record)
    assert transactions == [
        ["cart#usr_1", "cart#gst_1"],
        ["event#ord_1.placed", "cart#usr_1", "uses#SPRING", "uses#SPRING#usr_1"],
    ]
