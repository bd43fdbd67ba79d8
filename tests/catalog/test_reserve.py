"""Reserving: all or nothing, at the quoted price, once an order, and cheaply."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from moto.dynamodb.exceptions import TransactionCanceledException
from moto.dynamodb.models import DynamoDBBackend

from catalog.tables import stock
from catalog.tables.rows import VariantRow
from shared.errors import Unavailable
from tests.catalog.catalog_driver import (
    category,
    levels,
    line,
    make,
    put,
    refused_as,
    release,
    reserve,
    state,
    variant,
)


def test_all_lines_are_held_for_the_order(cloud):
    product = make(variant("RED"), variant("BLUE", stock=3))
    assert reserve("ord_1", line(product, "RED", 4), line(product, "BLUE", 3)) == {
        "output": {"order_id": "ord_1"}
    }
    assert (levels("RED"), levels("BLUE"), state("ord_1")) == ((6, 4), (0, 3), "held")


def test_nothing_is_held_where_one_line_lacks_and_each_lack_is_told(cloud):
    product = make(variant("RED"), variant("BLUE", stock=2), variant("GREEN", stock=0))
    answer = reserve(
        "ord_1", line(product, "RED"), line(product, "GREEN"), line(product, "BLUE", 3), line(product, "GREY")
    )
    assert refused_as(answer) == "/problems/out-of-stock"
    assert sorted(answer["problem"]["items"], key=lambda item: item["sku"]) == [
        {"sku": "BLUE", "requested": 3, "available": 2},
        {"sku": "GREEN", "requested": 1, "available": 0},
        {"sku": "GREY", "requested": 1, "available": 0},
    ]
    assert (levels("RED"), levels("BLUE"), state("ord_1")) == ((10, 0), (2, 0), None)


def test_an_order_that_was_refused_may_ask_for_less(cloud):
    product = make(variant("RED", stock=2))
    assert refused_as(reserve("ord_1", line(product, "RED", 3))) == "/problems/out-of-stock"
    assert refused_as(reserve("ord_1", line(product, "RED", 2))) is None
    assert levels("RED") == (0, 2)


def test_nothing_is_held_at_another_price_than_the_quoted_one(cloud):
    product = make(variant("RED", price=600), variant("BLUE"))
    answer = reserve("ord_1", line(product, "RED", price=500), line(product, "BLUE"))
    assert refused_as(answer) == "/problems/price-changed"
    assert answer["problem"]["items"] == [
        {
            "sku": "RED",
            "quoted": {"amount": 500, "currency": "GBP"},
            "current": {"amount": 600, "currency": "GBP"},
        }
    ]
    assert (levels("RED"), levels("BLUE")) == ((10, 0), (10, 0))


def test_a_lack_of_stock_tells_the_prices_that_changed_meanwhile_too(cloud):
    product = make(variant("RED", price=600), variant("BLUE", stock=0), variant("GREEN"))
    answer = reserve("ord_1", *(line(product, sku) for sku in ("RED", "BLUE", "GREEN")))
    assert refused_as(answer) == "/problems/out-of-stock"
    assert [item["sku"] for item in answer["problem"]["items"]] == ["BLUE"]
    assert answer["problem"]["prices"] == [
        {
            "sku": "RED",
            "quoted": {"amount": 500, "currency": "GBP"},
            "current": {"amount": 600, "currency": "GBP"},
        }
    ]


def test_an_archived_product_cannot_be_held(cloud):
    product = make(variant("RED"))
    assert put(product, {"title": "A mug", "status": "archived", "variants": [variant("RED")]}).status == 200
    answer = reserve("ord_1", line(product, "RED"))
    assert refused_as(answer) == "/problems/out-of-stock"
    assert answer["problem"]["items"] == [{"sku": "RED", "requested": 1, "available": 0}]


def test_asking_again_holds_nothing_more(cloud):
    product = make(variant("RED"))
    answers = [reserve("ord_1", line(product, "RED", 2)) for _ in range(3)]
    assert answers == [{"output": {"order_id": "ord_1"}}] * 3
    assert levels("RED") == (8, 2)


def test_two_lines_of_one_sku_are_held_together(cloud):
    product = make(variant("RED", stock=5))
    assert refused_as(reserve("ord_1", line(product, "RED", 3), line(product, "RED", 2))) is None
    assert levels("RED") == (0, 5)
    assert stock.find_reservation("ord_1")["head"].lines == [[product["product_id"], "RED", 5]]


def test_two_lines_of_one_sku_that_are_too_much_together_are_refused(cloud):
    product = make(variant("RED", stock=4))
    answer = reserve("ord_1", line(product, "RED", 3), line(product, "RED", 2))
    assert answer["problem"]["items"] == [{"sku": "RED", "requested": 5, "available": 4}]
    assert levels("RED") == (4, 0)


def test_what_is_released_is_on_sale_again_once(cloud):
    product = make(variant("RED"))
    reserve("ord_1", line(product, "RED", 4))
    release("ord_1")
    release("ord_1")
    assert (levels("RED"), state("ord_1")) == ((10, 0), "released")


def test_an_order_given_up_before_it_reserved_never_reserves(cloud):
    product = make(variant("RED"))
    release("ord_1")
    assert refused_as(reserve("ord_1", line(product, "RED"))) == "/problems/reservation-released"
    assert levels("RED") == (10, 0)


def test_an_order_given_up_after_it_reserved_does_not_reserve_again(cloud):
    product = make(variant("RED"))
    reserve("ord_1", line(product, "RED"))
    release("ord_1")
    assert refused_as(reserve("ord_1", line(product, "RED"))) == "/problems/reservation-released"
    assert levels("RED") == (10, 0)


def test_three_lines_cost_one_call_of_eight_write_units(calls):
    categories = [category(f"Cups and saucers {n}") for n in range(8)]
    product = make(
        *(variant(sku, title="t" * 200, options={"o" * 50: "v" * 50}) for sku in "ABC"),
        category_ids=categories,
    )
    calls.clear()
    assert refused_as(reserve("ord_" + "0" * 26, *(line(product, sku) for sku in "ABC"))) is None
    [(operation, sent)] = calls
    assert operation == "TransactWriteItems"
    assert [next(iter(item)) for item in sent["TransactItems"]] == ["Put", "Update", "Update", "Update"]
    head = stock.find_reservation("ord_" + "0" * 26)["head"]
    written = [head, *VariantRow.query(f"product#{product['product_id']}", VariantRow.sk.startswith("sku#"))]
    # Every row up to 1 KB takes two units in a transaction.
    assert sum(2 * -(-size_of(row) // 1024) for row in written) == 8


def size_of(row):
    """Bytes, counted generously: names, values, three a value for its type."""
    return sum(
        len(name) + len(str(next(iter(value.values()))).encode()) + 3
        for name, value in row.serialize().items()
    )


def test_fifty_at_once_for_ten_pieces_are_ten_sold_and_forty_told(cloud):
    sell_out(make(variant("RED", stock=10)))


def test_fifty_that_get_in_each_others_way_are_ten_sold_and_forty_told(rivalry):
    sell_out(make(variant("RED", stock=10)))
    assert rivalry.total() > 100


def sell_out(product):
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda n: reserve(f"ord_{n}", line(product, "RED")), range(50)))
    # A rival that never came through would have been raised as Unavailable: 503.
    assert Counter(map(refused_as, answers)) == {None: 10, "/problems/out-of-stock": 40}
    assert levels("RED") == (0, 10)
    held = [n for n in range(50) if state(f"ord_{n}") == "held"]
    assert held == [n for n, answer in enumerate(answers) if not refused_as(answer)]


def test_rivals_without_end_are_owned_up_to_and_hold_nothing(cloud, hurried, monkeypatch):
    product = make(variant("RED"))
    with monkeypatch.context() as patch:
        conflict = ("TransactionConflict", "Transaction is ongoing for the item", None)

        def collide(self, items):
            raise TransactionCanceledException([conflict] * len(items))

        patch.setattr(DynamoDBBackend, "transact_write_items", collide)
        with pytest.raises(Unavailable):
            reserve("ord_1", line(product, "RED"))
    assert (levels("RED"), state("ord_1")) == ((10, 0), None)
    assert refused_as(reserve("ord_1", line(product, "RED"))) is None


def test_two_tries_of_one_order_at_once_hold_it_once(cloud):
    product = make(variant("RED"))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: reserve("ord_1", line(product, "RED", 2)), range(8)))
    assert answers == [{"output": {"order_id": "ord_1"}}] * 8
    assert levels("RED") == (8, 2)


def test_reserving_and_giving_up_at_once_leaves_nothing_held(cloud):
    product = make(variant("RED"))

    def act(number):
        order = f"ord_{number // 2}"
        return release(order) if number % 2 else reserve(order, line(product, "RED"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(act, range(16)))
    for number in range(8):
        assert state(f"ord_{number}") == "released"
    assert levels("RED") == (10, 0)
