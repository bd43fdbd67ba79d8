"""News that reaches the cart: twice, late, out of order, in batches."""

import itertools

import pytest

from cart.app import consume
from cart.domain.pricing import Shown
from cart.service import carts
from cart.tables import reads
from shared.contracts.events import ProductArchived
from shared.runtime import clock
from tests.cart.conftest import changed, facts, hear, placed
from tests.support import Context, deliver, run_concurrently, sqs_event


def archived(sku: str, version: int) -> ProductArchived:
    event = ProductArchived.of(facts(sku, version=version), subject=sku, version=version, at=clock.now())
    assert isinstance(event, ProductArchived)
    return event


def quantities(shown: Shown) -> dict[str, int]:
    return {line.sku: line.quantity for line in shown.cart.lines.values()}


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_whatever_the_order_the_newest_facts_stay(cloud, order):
    events = [changed(facts("A", 100, version=1)), changed(facts("A", 200, version=2)), archived("A", 3)]
    for number in (*order, *order):
        assert deliver(consume, events[number - 1]) == []
    known = reads.products_and_coupon(["A"], None, "usr_1")[0]["A"]
    assert (known.version, known.active) == (3, False)


def test_an_archived_product_that_comes_back_is_sold_again(cloud):
    deliver(consume, archived("A", 2), changed(facts("A", version=3)))
    assert carts.add_item("usr_1", "A", 1).cart.item_count == 1


def test_a_batch_costs_one_write_a_message(cloud, calls):
    hear(*(facts(f"S{number}") for number in range(10)))
    assert calls == ["PutItem"] * 10


def test_one_bad_message_does_not_hold_up_the_others(cloud):
    good = changed(facts("A")).model_dump_json()
    answer = consume(sqs_event("not json", good, '{"type": "product.changed", "data": {}}'), Context())
    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == ["m0", "m2"]
    assert reads.products_and_coupon(["A"], None, "usr_1")[0]


def test_an_order_takes_its_lines_once_and_leaves_what_was_added_meanwhile(cloud):
    hear(facts("A"), facts("B"), facts("C"))
    for sku, quantity in {"A": 2, "B": 3, "C": 1}.items():
        carts.add_item("usr_1", sku, quantity)
    event = placed(A=2, B=3)
    carts.add_item("usr_1", "B", 4)
    for _ in range(3):
        assert deliver(consume, event, event) == []
    assert quantities(carts.read_cart("usr_1")) == {"B": 4, "C": 1}
    # Not even under another event id: it is remembered by order.
    assert deliver(consume, placed(version=9, A=2, B=3)) == []
    assert quantities(carts.read_cart("usr_1")) == {"B": 4, "C": 1}
    assert deliver(consume, placed("ord_2", B=1)) == []
    assert quantities(carts.read_cart("usr_1")) == {"B": 3, "C": 1}


def test_a_repeat_does_not_take_what_was_added_after_an_order_that_took_nothing(cloud):
    hear(facts("A"))
    event = placed(A=2)
    deliver(consume, event)
    carts.add_item("usr_1", "A", 5)
    deliver(consume, event)
    assert quantities(carts.read_cart("usr_1")) == {"A": 5}


def test_forgetting_and_shopping_at_once_lose_nothing(cloud):
    hear(facts("A"))
    carts.add_item("usr_1", "A", 10)

    def shop() -> list[str]:
        for _ in range(6):
            carts.add_item("usr_1", "A", 1)
        return []

    def forget(number: int) -> list[str]:
        return deliver(consume, placed(f"ord_{number}", A=2))

    # Each order is heard twice, by two consumers.
    forgetting = [lambda number=number: forget(number) for number in (1, 2, 3, 1, 2, 3)]
    assert run_concurrently(shop, *forgetting) == [[]] * 7
    assert quantities(carts.read_cart("usr_1")) == {"A": 10 + 6 - 3 * 2}
