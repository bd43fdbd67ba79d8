"""Orders of more lines than one transaction takes: held in chunks, and still all or nothing."""

import pytest

from catalog import domain
from catalog.app import consume
from catalog.tables import stock
from catalog.tables.rows import VariantRow
from shared.values.money import Money
from tests.catalog.catalog_driver import (
    NOON,
    cancelled,
    line,
    make,
    paid,
    refused_as,
    release,
    reserve,
    state,
    variant,
)
from tests.support import deliver


class Killed(BaseException):
    """The process ends here."""


def lines_of(number):
    """A line each of so many SKUs, two pieces of ten."""
    lines = []
    for start in range(0, number, 45):
        skus = [f"SKU-{n:03}" for n in range(start, min(start + 45, number))]
        product = make(*(variant(sku) for sku in skus))
        lines += [line(product, sku, 2) for sku in skus]
    return lines


@pytest.fixture
def wanted(cloud, monkeypatch):
    """Ten lines, of which a transaction takes four: large enough, and quicker than 250."""
    monkeypatch.setattr(domain, "MAX_LINES", 4)
    return lines_of(10)


def shelves(wanted):
    """The different (available, reserved) there are among the SKUs."""
    keys = [(f"product#{line['product_id']}", f"sku#{line['sku']}") for line in wanted]
    rows = list(VariantRow.batch_get(keys))
    assert len(rows) == len(wanted)
    return {(int(row.available), int(row.reserved)) for row in rows}


def kill_before_chunk(monkeypatch, number):
    hold = stock.reserve_chunk

    def dies(order_id, chunk, lines, now):
        if chunk == number:
            raise Killed
        return hold(order_id, chunk, lines, now)

    monkeypatch.setattr(stock, "reserve_chunk", dies)


def take(line, pieces):
    """Somebody else buys so many of it."""
    assert refused_as(reserve(f"ord_rival_{line['sku']}", line | {"quantity": pieces})) is None


def test_250_lines_are_held_in_chunks(cloud):
    wanted = lines_of(250)
    assert refused_as(reserve("ord_1", *wanted)) is None
    assert shelves(wanted) == {(8, 2)}
    rows = stock.find_reservation("ord_1")
    assert {key: (row.state, len(row.lines or [])) for key, row in rows.items()} == {
        "head": ("held", 0),
        "chunk#000": ("held", 98),
        "chunk#001": ("held", 98),
        "chunk#002": ("held", 54),
    }


def test_a_large_order_is_held_sold_and_returned_once_each(wanted):
    for _ in range(2):
        assert refused_as(reserve("ord_1", *wanted)) is None
        assert shelves(wanted) == {(8, 2)}
    assert deliver(consume, paid("ord_1"), paid("ord_1")) == []
    assert (state("ord_1"), shelves(wanted)) == ("committed", {(8, 0)})
    assert deliver(consume, cancelled("ord_1"), cancelled("ord_1")) == []
    assert (state("ord_1"), shelves(wanted)) == ("released", {(10, 0)})


def test_a_last_chunk_that_is_refused_leaves_nothing_held(wanted):
    take(wanted[-1], 9)
    answer = reserve("ord_1", *wanted)
    assert refused_as(answer) == "/problems/out-of-stock"
    assert answer["problem"]["items"] == [{"sku": wanted[-1]["sku"], "requested": 2, "available": 1}]
    assert shelves(wanted) == {(10, 0), (1, 9)}
    assert state("ord_1") == "released"


def test_a_large_order_is_told_of_all_that_it_lacks_in_whatever_chunk(wanted):
    take(wanted[5], 10)
    take(wanted[9], 9)
    wanted[8] |= {"unit_price": gbp(400), "line_total": gbp(800)}
    problem = reserve("ord_1", *wanted)["problem"]
    assert problem["items"] == [
        {"sku": wanted[5]["sku"], "requested": 2, "available": 0},
        {"sku": wanted[9]["sku"], "requested": 2, "available": 1},
    ]
    assert problem["prices"] == [{"sku": wanted[8]["sku"], "quoted": gbp(400), "current": gbp(500)}]
    assert state("ord_1") == "released"


def gbp(amount):
    return {"amount": amount, "currency": "GBP"}


def test_an_order_killed_between_chunks_is_let_go_of_whole(wanted, monkeypatch):
    with monkeypatch.context() as patch:
        kill_before_chunk(patch, 2)
        with pytest.raises(Killed):
            reserve("ord_1", *wanted)
    assert (state("ord_1"), shelves(wanted)) == ("reserving", {(8, 2), (10, 0)})
    release("ord_1")
    release("ord_1")
    assert (state("ord_1"), shelves(wanted)) == ("released", {(10, 0)})
    assert refused_as(reserve("ord_1", *wanted)) == "/problems/reservation-released"
    assert shelves(wanted) == {(10, 0)}


@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_an_order_killed_between_chunks_goes_on_where_it_stopped(wanted, monkeypatch, chunk):
    with monkeypatch.context() as patch:
        kill_before_chunk(patch, chunk)
        with pytest.raises(Killed):
            reserve("ord_1", *wanted)
    assert refused_as(reserve("ord_1", *wanted)) is None
    assert (state("ord_1"), shelves(wanted)) == ("held", {(8, 2)})


def test_an_order_killed_while_it_was_let_go_of_is_let_go_of_once(wanted, monkeypatch):
    assert refused_as(reserve("ord_1", *wanted)) is None
    settle = stock.transition
    done: list[str] = []

    def dies(row, state, now):
        if len(done) == 1:
            raise Killed
        done.append(row.sk)
        settle(row, state, now)

    with monkeypatch.context() as patch:
        patch.setattr(stock, "transition", dies)
        with pytest.raises(Killed):
            release("ord_1")
    assert shelves(wanted) == {(8, 2), (10, 0)}
    release("ord_1")
    assert shelves(wanted) == {(10, 0)}


@pytest.mark.parametrize("settled", [0, 1, 2])
@pytest.mark.parametrize("story", [(cancelled, paid), (paid, cancelled), (paid, cancelled, paid, cancelled)])
def test_an_order_cancelled_while_its_payment_was_half_heard_comes_back_whole(
    wanted, monkeypatch, settled, story
):
    assert refused_as(reserve("ord_1", *wanted)) is None
    settle = stock.transition
    done: list[str] = []

    def dies(row, state, now):
        if len(done) == settled:
            raise Killed
        done.append(row.sk)
        settle(row, state, now)

    with monkeypatch.context() as patch:
        patch.setattr(stock, "transition", dies)
        with pytest.raises(Killed):
            deliver(consume, paid("ord_1"))
    assert state("ord_1") == "committed"
    assert deliver(consume, *(say("ord_1") for say in story)) == []
    assert (state("ord_1"), shelves(wanted)) == ("released", {(10, 0)})


def test_an_order_given_up_between_its_chunks_keeps_none_of_them(wanted, monkeypatch):
    """The chunk is held after `release` looked, and before it closed the reservation."""
    with monkeypatch.context() as patch:
        kill_before_chunk(patch, 1)
        with pytest.raises(Killed):
            reserve("ord_1", *wanted)
    look = stock.find_reservation
    looks: list[str] = []
    part = [domain.Line(w["product_id"], w["sku"], 2, Money(amount=500, currency="GBP")) for w in wanted[4:8]]

    def overtaken(order_id):
        rows = look(order_id)
        if not looks:
            looks.append(order_id)
            assert stock.reserve_chunk(order_id, 1, part, NOON) is None
        return rows

    monkeypatch.setattr(stock, "find_reservation", overtaken)
    release("ord_1")
    assert (state("ord_1"), shelves(wanted)) == ("released", {(10, 0)})
