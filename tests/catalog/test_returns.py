"""Returned goods are restocked once per return, whenever and however often its event arrives."""

from itertools import permutations

import pytest

from catalog import domain
from catalog.app.consume import consume
from catalog.tables import stock
from shared.dynamodb.rows import ConcurrentUpdate
from tests.catalog.catalog_driver import (
    body,
    consume_all,
    create_product,
    levels,
    line,
    paid,
    replace_product,
    reserve,
    returned,
    variant,
)
from tests.log_lines import metrics
from tests.support import deliver


class Killed(BaseException):
    """Simulates that the process dies."""


@pytest.fixture
def sold(cloud):
    """A product with ten RED and ten BLUE pieces; ord_1 bought four RED and two BLUE."""
    product = create_product(variant("RED"), variant("BLUE"))
    reserve("ord_1", line(product, "RED", 4), line(product, "BLUE", 2))
    consume_all(paid("ord_1"))
    return product


@pytest.fixture
def in_chunks(sold, monkeypatch):
    """Chunks of one line, so that a return needs several transactions."""
    monkeypatch.setattr(domain, "MAX_LINES", 1)
    return sold


def test_returned_pieces_are_available_again_once(sold):
    event = returned("ret_1", line(sold, "RED", 3), line(sold, "BLUE", 1))
    consume_all(event, event)
    consume_all(event)
    assert (levels("RED"), levels("BLUE")) == ((9, 0), (9, 0))


def test_another_event_of_the_same_return_changes_nothing(sold):
    consume_all(*(returned("ret_1", line(sold, "RED", 3), version=version) for version in (5, 6)))
    assert levels("RED") == (9, 0)


def test_two_returns_of_one_order_are_both_restocked(sold):
    consume_all(*(returned(name, line(sold, "RED", 1)) for name in ("ret_1", "ret_2")))
    assert levels("RED") == (8, 0)


def test_pieces_that_cannot_be_sold_again_are_not_restocked(sold):
    consume_all(returned("ret_1", line(sold, "RED", 3), restock=False))
    assert levels("RED") == (6, 0)


def test_two_lines_of_one_sku_are_restocked_together(sold):
    consume_all(returned("ret_1", line(sold, "RED", 1), line(sold, "RED", 2)))
    assert levels("RED") == (9, 0)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_return_may_arrive_before_the_payment(cloud, order):
    product = create_product(variant("RED"))
    reserve("ord_1", line(product, "RED", 4))
    events = [
        paid("ord_1"),
        returned("ret_1", line(product, "RED", 3)),
        returned("ret_2", line(product, "RED")),
    ]
    consume_all(*(events[number] for number in order))
    assert levels("RED") == (10, 0)


def test_a_removed_sku_is_skipped_and_reported_and_the_rest_restocked(sold, caplog, capsys):
    assert replace_product(sold, body(variant("RED"))).status == 200
    event = returned("ret_1", line(sold, "BLUE", 2), line(sold, "RED", 4))
    consume_all(event, event)
    assert levels("RED") == (10, 0)
    [record] = [record for record in caplog.records if record.message == "restock skipped"]
    assert (vars(record)["return_id"], vars(record)["skus"]) == ("ret_1", ["BLUE"])
    assert metrics(capsys) == {"RestockSkipped": 1}


def test_a_return_of_unknown_skus_only_is_accepted(sold):
    consume_all(returned("ret_1", line(sold, "GREY"), line({"product_id": "prd_none"}, "RED")))
    assert levels("RED") == (6, 0)


def test_a_sku_that_now_belongs_to_another_product_is_not_restocked(sold):
    assert replace_product(sold, body(variant("RED"))).status == 200
    create_product(variant("BLUE", stock=1))
    consume_all(returned("ret_1", line(sold, "BLUE", 2)))
    assert levels("BLUE") == (1, 0)


def test_many_lines_are_restocked_in_transactions_of_up_to_100_writes(calls):
    lines = []
    for start in range(0, 120, 40):
        skus = [f"SKU-{n:03}" for n in range(start, start + 40)]
        product = create_product(*(variant(sku) for sku in skus))
        lines += [line(product, sku, 2) for sku in skus]
    calls.clear()
    event = returned("ret_1", *lines)
    consume_all(event, event)
    sizes = [len(sent["TransactItems"]) for _, sent in calls]
    assert sizes == [99, 23] * 2
    assert {levels(lines[n]["sku"]) for n in (0, 97, 98, 119)} == {(12, 0)}


@pytest.mark.parametrize("done", [0, 1])
def test_a_return_killed_between_chunks_continues_where_it_stopped(in_chunks, monkeypatch, done):
    event = returned("ret_1", line(in_chunks, "RED", 4), line(in_chunks, "BLUE", 2))
    restock = stock.restock
    tried: list[object] = []

    def crash(*arguments):
        if len(tried) == done:
            raise Killed
        tried.append(arguments)
        return restock(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(stock, "restock", crash)
        with pytest.raises(Killed):
            deliver(consume, event)
    assert sorted([levels("RED"), levels("BLUE")]) == ([(6, 0), (8, 0)], [(6, 0), (10, 0)])[done]
    consume_all(event)
    assert (levels("RED"), levels("BLUE")) == ((10, 0), (10, 0))


def test_a_return_with_write_conflicts_is_retried_and_restocked_once(in_chunks, without_pauses, monkeypatch):
    restock = stock.restock
    tries: list[object] = []

    def conflict(*arguments):
        tries.append(arguments)
        if len(tries) in {1, 3}:
            raise ConcurrentUpdate
        return restock(*arguments)

    monkeypatch.setattr(stock, "restock", conflict)
    consume_all(returned("ret_1", line(in_chunks, "RED", 4), line(in_chunks, "BLUE", 2)))
    assert (levels("RED"), levels("BLUE")) == ((10, 0), (10, 0))
