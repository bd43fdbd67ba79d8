"""Goods that come back: on the shelf once a return, however and whenever it is told."""

from itertools import permutations

import pytest

from catalog import domain
from catalog.app import consume
from catalog.tables import stock
from shared.dynamodb.rows import ConcurrentUpdate
from tests.catalog.catalog_driver import body, levels, line, make, paid, put, reserve, returned, variant
from tests.support import deliver


class Killed(BaseException):
    """The process ends here."""


def heard(*events):
    assert deliver(consume, *events) == []


@pytest.fixture
def sold(cloud):
    """Ten of RED and BLUE each, of which ord_1 bought four and two."""
    product = make(variant("RED"), variant("BLUE"))
    reserve("ord_1", line(product, "RED", 4), line(product, "BLUE", 2))
    heard(paid("ord_1"))
    return product


@pytest.fixture
def in_chunks(sold, monkeypatch):
    """A transaction takes one line, so that a return takes several."""
    monkeypatch.setattr(domain, "MAX_LINES", 1)
    return sold


def test_what_comes_back_is_on_sale_again_once(sold):
    back = returned("ret_1", line(sold, "RED", 3), line(sold, "BLUE", 1))
    heard(back, back)
    heard(back)
    assert (levels("RED"), levels("BLUE")) == ((9, 0), (9, 0))


def test_news_of_the_same_return_under_another_id_changes_nothing(sold):
    heard(*(returned("ret_1", line(sold, "RED", 3), version=version) for version in (5, 6)))
    assert levels("RED") == (9, 0)


def test_two_returns_of_one_order_both_count(sold):
    heard(*(returned(name, line(sold, "RED", 1)) for name in ("ret_1", "ret_2")))
    assert levels("RED") == (8, 0)


def test_what_cannot_be_sold_again_stays_away(sold):
    heard(returned("ret_1", line(sold, "RED", 3), restock=False))
    assert levels("RED") == (6, 0)


def test_lines_of_one_sku_come_back_together(sold):
    heard(returned("ret_1", line(sold, "RED", 1), line(sold, "RED", 2)))
    assert levels("RED") == (9, 0)


@pytest.mark.parametrize("story", list(permutations(range(3))))
def test_a_return_that_is_heard_before_the_payment_comes_to_the_same(cloud, story):
    product = make(variant("RED"))
    reserve("ord_1", line(product, "RED", 4))
    news = [
        paid("ord_1"),
        returned("ret_1", line(product, "RED", 3)),
        returned("ret_2", line(product, "RED")),
    ]
    heard(*(news[number] for number in story))
    assert levels("RED") == (10, 0)


def test_of_a_return_with_a_sku_that_is_no_longer_made_the_rest_comes_back_and_it_is_told(
    sold, caplog, capsys
):
    assert put(sold, body(variant("RED"))).status == 200
    back = returned("ret_1", line(sold, "BLUE", 2), line(sold, "RED", 4))
    heard(back, back)
    assert levels("RED") == (10, 0)
    [told] = [record for record in caplog.records if record.message == "restock skipped"]
    assert (vars(told)["return_id"], vars(told)["skus"]) == ("ret_1", ["BLUE"])
    assert capsys.readouterr().out.count("RestockSkipped") == 2  # the metric's name and its value


def test_a_return_of_nothing_that_is_still_made_is_done_with(sold):
    heard(returned("ret_1", line(sold, "GREY"), line({"product_id": "prd_none"}, "RED")))
    assert levels("RED") == (6, 0)


def test_a_sku_that_another_product_has_now_is_not_what_came_back(sold):
    assert put(sold, body(variant("RED"))).status == 200
    make(variant("BLUE", stock=1))
    heard(returned("ret_1", line(sold, "BLUE", 2)))
    assert levels("BLUE") == (1, 0)


def test_many_lines_come_back_in_transactions_of_a_hundred_writes_at_most(calls):
    lines = []
    for start in range(0, 120, 40):
        skus = [f"SKU-{n:03}" for n in range(start, start + 40)]
        product = make(*(variant(sku) for sku in skus))
        lines += [line(product, sku, 2) for sku in skus]
    calls.clear()
    back = returned("ret_1", *lines)
    heard(back, back)
    sizes = [len(sent["TransactItems"]) for _, sent in calls]
    assert sizes == [99, 23] * 2
    assert {levels(lines[n]["sku"]) for n in (0, 97, 98, 119)} == {(12, 0)}


@pytest.mark.parametrize("done", [0, 1])
def test_a_return_that_died_between_its_transactions_goes_on_where_it_stopped(in_chunks, monkeypatch, done):
    back = returned("ret_1", line(in_chunks, "RED", 4), line(in_chunks, "BLUE", 2))
    restock = stock.restock
    tried: list[object] = []

    def dies(*arguments):
        if len(tried) == done:
            raise Killed
        tried.append(arguments)
        return restock(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(stock, "restock", dies)
        with pytest.raises(Killed):
            deliver(consume, back)
    assert sorted([levels("RED"), levels("BLUE")]) == ([(6, 0), (8, 0)], [(6, 0), (10, 0)])[done]
    heard(back)
    assert (levels("RED"), levels("BLUE")) == ((10, 0), (10, 0))


def test_a_return_that_meets_rivals_is_tried_again_and_counts_once(in_chunks, hurried, monkeypatch):
    restock = stock.restock
    tries: list[object] = []

    def collides(*arguments):
        tries.append(arguments)
        if len(tries) in {1, 3}:
            raise ConcurrentUpdate
        return restock(*arguments)

    monkeypatch.setattr(stock, "restock", collides)
    heard(returned("ret_1", line(in_chunks, "RED", 4), line(in_chunks, "BLUE", 2)))
    assert (levels("RED"), levels("BLUE")) == ((10, 0), (10, 0))
