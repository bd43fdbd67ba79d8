"""Reserving: all or nothing, at the quoted price, once per order, at a bounded cost."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from moto.dynamodb.exceptions import TransactionCanceledException
from moto.dynamodb.models import DynamoDBBackend

from catalog.tables import stock
from catalog.tables.rows import VariantRow
from shared.errors import Unavailable
from tests.catalog.catalog_driver import (
    create_category,
    create_product,
    levels,
    line,
    problem_type,
    release,
    replace_product,
    reservation_state,
    reserve,
    variant,
)


def test_all_lines_of_an_order_are_reserved(cloud):
    product = create_product(variant("RED"), variant("BLUE", stock=3))
    assert reserve("ord_1", line(product, "RED", 4), line(product, "BLUE", 3)) == {
        "output": {"order_id": "ord_1"}
    }
    assert (levels("RED"), levels("BLUE"), reservation_state("ord_1")) == ((6, 4), (0, 3), "held")


def test_nothing_is_reserved_if_one_line_is_short_and_all_are_listed(cloud):
    product = create_product(variant("RED"), variant("BLUE", stock=2), variant("GREEN", stock=0))
    response = reserve(
        "ord_1", line(product, "RED"), line(product, "GREEN"), line(product, "BLUE", 3), line(product, "GREY")
    )
    assert problem_type(response) == "/problems/out-of-stock"
    assert sorted(response["problem"]["items"], key=lambda item: item["sku"]) == [
        {"sku": "BLUE", "requested": 3, "available": 2},
        {"sku": "GREEN", "requested": 1, "available": 0},
        {"sku": "GREY", "requested": 1, "available": 0},
    ]
    assert (levels("RED"), levels("BLUE"), reservation_state("ord_1")) == ((10, 0), (2, 0), None)


def test_a_rejected_order_can_reserve_less(cloud):
    product = create_product(variant("RED", stock=2))
    assert problem_type(reserve("ord_1", line(product, "RED", 3))) == "/problems/out-of-stock"
    assert problem_type(reserve("ord_1", line(product, "RED", 2))) is None
    assert levels("RED") == (0, 2)


def test_nothing_is_reserved_if_a_price_differs_from_the_quote(cloud):
    product = create_product(variant("RED", price=600), variant("BLUE"))
    response = reserve("ord_1", line(product, "RED", price=500), line(product, "BLUE"))
    assert problem_type(response) == "/problems/price-changed"
    assert response["problem"]["items"] == [
        {
            "sku": "RED",
            "quoted": {"amount": 500, "currency": "GBP"},
            "current": {"amount": 600, "currency": "GBP"},
        }
    ]
    assert (levels("RED"), levels("BLUE")) == ((10, 0), (10, 0))


def test_out_of_stock_includes_prices_that_changed(cloud):
    product = create_product(variant("RED", price=600), variant("BLUE", stock=0), variant("GREEN"))
    response = reserve("ord_1", *(line(product, sku) for sku in ("RED", "BLUE", "GREEN")))
    assert problem_type(response) == "/problems/out-of-stock"
    assert [item["sku"] for item in response["problem"]["items"]] == ["BLUE"]
    assert response["problem"]["prices"] == [
        {
            "sku": "RED",
            "quoted": {"amount": 500, "currency": "GBP"},
            "current": {"amount": 600, "currency": "GBP"},
        }
    ]


def test_an_archived_product_cannot_be_reserved(cloud):
    product = create_product(variant("RED"))
    assert (
        replace_product(
            product, {"title": "A mug", "status": "archived", "variants": [variant("RED")]}
        ).status
        == 200
    )
    response = reserve("ord_1", line(product, "RED"))
    assert problem_type(response) == "/problems/out-of-stock"
    assert response["problem"]["items"] == [{"sku": "RED", "requested": 1, "available": 0}]


def test_a_repeated_reserve_changes_nothing(cloud):
    product = create_product(variant("RED"))
    responses = [reserve("ord_1", line(product, "RED", 2)) for _ in range(3)]
    assert responses == [{"output": {"order_id": "ord_1"}}] * 3
    assert levels("RED") == (8, 2)


def test_two_lines_of_one_sku_are_reserved_together(cloud):
    product = create_product(variant("RED", stock=5))
    assert problem_type(reserve("ord_1", line(product, "RED", 3), line(product, "RED", 2))) is None
    assert levels("RED") == (0, 5)
    assert stock.find_reservation("ord_1")["head"].lines == [[product["product_id"], "RED", 5]]


def test_two_lines_of_one_sku_that_exceed_the_stock_are_rejected(cloud):
    product = create_product(variant("RED", stock=4))
    response = reserve("ord_1", line(product, "RED", 3), line(product, "RED", 2))
    assert response["problem"]["items"] == [{"sku": "RED", "requested": 5, "available": 4}]
    assert levels("RED") == (4, 0)


def test_released_stock_is_available_again_once(cloud):
    product = create_product(variant("RED"))
    reserve("ord_1", line(product, "RED", 4))
    release("ord_1")
    release("ord_1")
    assert (levels("RED"), reservation_state("ord_1")) == ((10, 0), "released")


def test_an_order_released_before_reserving_cannot_reserve(cloud):
    product = create_product(variant("RED"))
    release("ord_1")
    assert problem_type(reserve("ord_1", line(product, "RED"))) == "/problems/reservation-released"
    assert levels("RED") == (10, 0)


def test_an_order_released_after_reserving_cannot_reserve_again(cloud):
    product = create_product(variant("RED"))
    reserve("ord_1", line(product, "RED"))
    release("ord_1")
    assert problem_type(reserve("ord_1", line(product, "RED"))) == "/problems/reservation-released"
    assert levels("RED") == (10, 0)


def test_three_lines_cost_one_call_and_eight_write_units(calls):
    categories = [create_category(f"Cups and saucers {n}") for n in range(8)]
    product = create_product(
        *(variant(sku, title="t" * 200, options={"o" * 50: "v" * 50}) for sku in "ABC"),
        category_ids=categories,
    )
    calls.clear()
    assert problem_type(reserve("ord_" + "0" * 26, *(line(product, sku) for sku in "ABC"))) is None
    [(operation, sent)] = calls
    assert operation == "TransactWriteItems"
    assert [next(iter(item)) for item in sent["TransactItems"]] == ["Put", "Update", "Update", "Update"]
    head = stock.find_reservation("ord_" + "0" * 26)["head"]
    written = [head, *VariantRow.query(f"product#{product['product_id']}", VariantRow.sk.startswith("sku#"))]
    # In a transaction, every row up to 1 KB costs two write units.
    assert sum(2 * -(-size_of(row) // 1024) for row in written) == 8


def size_of(row):
    """Return an upper bound of the row's bytes: names, values, and three per value for its type."""
    return sum(
        len(name) + len(str(next(iter(value.values()))).encode()) + 3
        for name, value in row.serialize().items()
    )


def test_fifty_concurrent_orders_reserve_the_ten_pieces_in_stock(cloud):
    sell_out(create_product(variant("RED", stock=10)))


def test_fifty_orders_with_write_conflicts_reserve_the_ten_in_stock(write_conflicts):
    sell_out(create_product(variant("RED", stock=10)))
    assert write_conflicts.total() > 100


def sell_out(product):
    with ThreadPoolExecutor(50) as pool:
        responses = list(pool.map(lambda n: reserve(f"ord_{n}", line(product, "RED")), range(50)))
    # A reserve without success in all its tries would have raised Unavailable (503).
    assert Counter(map(problem_type, responses)) == {None: 10, "/problems/out-of-stock": 40}
    assert levels("RED") == (0, 10)
    held = [n for n in range(50) if reservation_state(f"ord_{n}") == "held"]
    assert held == [n for n, response in enumerate(responses) if not problem_type(response)]


def test_endless_write_conflicts_raise_unavailable_and_reserve_nothing(cloud, without_pauses, monkeypatch):
    product = create_product(variant("RED"))
    with monkeypatch.context() as patch:
        conflict = ("TransactionConflict", "Transaction is ongoing for the item", None)

        def collide(self, items):
            raise TransactionCanceledException([conflict] * len(items))

        patch.setattr(DynamoDBBackend, "transact_write_items", collide)
        with pytest.raises(Unavailable):
            reserve("ord_1", line(product, "RED"))
    assert (levels("RED"), reservation_state("ord_1")) == ((10, 0), None)
    assert problem_type(reserve("ord_1", line(product, "RED"))) is None


def test_concurrent_reserves_of_one_order_reserve_once(cloud):
    product = create_product(variant("RED"))
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: reserve("ord_1", line(product, "RED", 2)), range(8)))
    assert responses == [{"output": {"order_id": "ord_1"}}] * 8
    assert levels("RED") == (8, 2)


def test_concurrent_reserve_and_release_leave_nothing_reserved(cloud):
    product = create_product(variant("RED"))

    def act(number):
        order = f"ord_{number // 2}"
        return release(order) if number % 2 else reserve(order, line(product, "RED"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(act, range(16)))
    for number in range(8):
        assert reservation_state(f"ord_{number}") == "released"
    assert levels("RED") == (10, 0)
