"""Orders with more lines than one transaction: reserved in chunks, and still all or nothing."""

import pytest

from catalog import domain
from catalog.app.consume import consume
from catalog.tables import stock
from catalog.tables.rows import VariantRow
from shared.values.money import Money
from tests.catalog.catalog_driver import (
    NOON,
    cancelled,
    consume_all,
    create_product,
    line,
    paid,
    problem_type,
    release,
    reservation_state,
    reserve,
    variant,
)
from tests.support import deliver


class Killed(BaseException):
    """Simulates that the process dies."""


def lines_of(number):
    """Return lines of `number` new SKUs: two pieces each, of ten in stock."""
    lines = []
    for start in range(0, number, 45):
        skus = [f"SKU-{n:03}" for n in range(start, min(start + 45, number))]
        product = create_product(*(variant(sku) for sku in skus))
        lines += [line(product, sku, 2) for sku in skus]
    return lines


@pytest.fixture
def lines(cloud, monkeypatch):
    """Ten lines in chunks of four; faster than 250 lines in chunks of 98."""
    monkeypatch.setattr(domain, "MAX_LINES", 4)
    return lines_of(10)


def stock_levels(lines):
    """Return the distinct (available, reserved) of the lines' SKUs."""
    keys = [(f"product#{line['product_id']}", f"sku#{line['sku']}") for line in lines]
    rows = list(VariantRow.batch_get(keys))
    assert len(rows) == len(lines)
    return {(int(row.available), int(row.reserved)) for row in rows}


def kill_before_chunk(monkeypatch, number):
    original = stock.reserve_chunk

    def crash(order_id, chunk, lines, now):
        if chunk == number:
            raise Killed
        return original(order_id, chunk, lines, now)

    monkeypatch.setattr(stock, "reserve_chunk", crash)


def reserve_for_others(line, pieces):
    """Reserve pieces of the line's SKU for another order."""
    assert problem_type(reserve(f"ord_other_{line['sku']}", line | {"quantity": pieces})) is None


def test_250_lines_are_reserved_in_chunks(cloud):
    lines = lines_of(250)
    assert problem_type(reserve("ord_1", *lines)) is None
    assert stock_levels(lines) == {(8, 2)}
    rows = stock.find_reservation("ord_1")
    assert {key: (row.state, len(row.lines or [])) for key, row in rows.items()} == {
        "head": ("held", 0),
        "chunk#000": ("held", 98),
        "chunk#001": ("held", 98),
        "chunk#002": ("held", 54),
    }


def test_a_large_order_is_reserved_committed_and_released_once_each(lines):
    for _ in range(2):
        assert problem_type(reserve("ord_1", *lines)) is None
        assert stock_levels(lines) == {(8, 2)}
    consume_all(paid("ord_1"), paid("ord_1"))
    assert (reservation_state("ord_1"), stock_levels(lines)) == ("committed", {(8, 0)})
    consume_all(cancelled("ord_1"), cancelled("ord_1"))
    assert (reservation_state("ord_1"), stock_levels(lines)) == ("released", {(10, 0)})


def test_a_rejected_last_chunk_leaves_nothing_reserved(lines):
    reserve_for_others(lines[-1], 9)
    response = reserve("ord_1", *lines)
    assert problem_type(response) == "/problems/out-of-stock"
    assert response["problem"]["items"] == [{"sku": lines[-1]["sku"], "requested": 2, "available": 1}]
    assert stock_levels(lines) == {(10, 0), (1, 9)}
    assert reservation_state("ord_1") == "released"


def test_a_rejected_large_order_lists_the_shortages_of_all_chunks(lines):
    reserve_for_others(lines[5], 10)
    reserve_for_others(lines[9], 9)
    lines[8] |= {"unit_price": gbp(400), "line_total": gbp(800)}
    problem = reserve("ord_1", *lines)["problem"]
    assert problem["items"] == [
        {"sku": lines[5]["sku"], "requested": 2, "available": 0},
        {"sku": lines[9]["sku"], "requested": 2, "available": 1},
    ]
    assert problem["prices"] == [{"sku": lines[8]["sku"], "quoted": gbp(400), "current": gbp(500)}]
    assert reservation_state("ord_1") == "released"


def gbp(amount):
    return {"amount": amount, "currency": "GBP"}


def test_an_order_killed_between_chunks_is_released_completely(lines, monkeypatch):
    with monkeypatch.context() as patch:
        kill_before_chunk(patch, 2)
        with pytest.raises(Killed):
            reserve("ord_1", *lines)
    assert (reservation_state("ord_1"), stock_levels(lines)) == ("reserving", {(8, 2), (10, 0)})
    release("ord_1")
    release("ord_1")
    assert (reservation_state("ord_1"), stock_levels(lines)) == ("released", {(10, 0)})
    assert problem_type(reserve("ord_1", *lines)) == "/problems/reservation-released"
    assert stock_levels(lines) == {(10, 0)}


@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_an_order_killed_between_chunks_continues_where_it_stopped(lines, monkeypatch, chunk):
    with monkeypatch.context() as patch:
        kill_before_chunk(patch, chunk)
        with pytest.raises(Killed):
            reserve("ord_1", *lines)
    assert problem_type(reserve("ord_1", *lines)) is None
    assert (reservation_state("ord_1"), stock_levels(lines)) == ("held", {(8, 2)})


def test_an_order_killed_during_its_release_is_released_once(lines, monkeypatch):
    assert problem_type(reserve("ord_1", *lines)) is None
    original = stock.transition
    transitions: list[str] = []

    def crash(row, state, now):
        if len(transitions) == 1:
            raise Killed
        transitions.append(row.sk)
        original(row, state, now)

    with monkeypatch.context() as patch:
        patch.setattr(stock, "transition", crash)
        with pytest.raises(Killed):
            release("ord_1")
    assert stock_levels(lines) == {(8, 2), (10, 0)}
    release("ord_1")
    assert stock_levels(lines) == {(10, 0)}


@pytest.mark.parametrize("completed", [0, 1, 2])
@pytest.mark.parametrize("events", [(cancelled, paid), (paid, cancelled), (paid, cancelled, paid, cancelled)])
def test_an_order_cancelled_during_its_commit_is_released_completely(lines, monkeypatch, completed, events):
    assert problem_type(reserve("ord_1", *lines)) is None
    original = stock.transition
    transitions: list[str] = []

    def crash(row, state, now):
        if len(transitions) == completed:
            raise Killed
        transitions.append(row.sk)
        original(row, state, now)

    with monkeypatch.context() as patch:
        patch.setattr(stock, "transition", crash)
        with pytest.raises(Killed):
            deliver(consume, paid("ord_1"))
    assert reservation_state("ord_1") == "committed"
    consume_all(*(event("ord_1") for event in events))
    assert (reservation_state("ord_1"), stock_levels(lines)) == ("released", {(10, 0)})


def test_an_order_released_between_its_chunks_keeps_none_of_them(lines, monkeypatch):
    """The chunk is reserved between `release`'s read and its write."""
    with monkeypatch.context() as patch:
        kill_before_chunk(patch, 1)
        with pytest.raises(Killed):
            reserve("ord_1", *lines)
    original = stock.find_reservation
    reads: list[str] = []
    part = [domain.Line(w["product_id"], w["sku"], 2, Money(amount=500, currency="GBP")) for w in lines[4:8]]

    def reserve_before_return(order_id):
        rows = original(order_id)
        if not reads:
            reads.append(order_id)
            assert stock.reserve_chunk(order_id, 1, part, NOON) is None
        return rows

    monkeypatch.setattr(stock, "find_reservation", reserve_before_return)
    release("ord_1")
    assert (reservation_state("ord_1"), stock_levels(lines)) == ("released", {(10, 0)})
