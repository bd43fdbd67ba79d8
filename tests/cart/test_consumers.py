"""Events consumed by cart: repeated, late, reordered and in batches."""

import itertools

import pytest

from cart.app.consume import consume
from cart.domain.pricing import PricedCart
from cart.service import carts
from cart.tables import reads
from shared.contracts.events.catalog import ProductArchived
from shared.runtime import clock
from tests.cart.conftest import placed, product_changed, product_data, receive
from tests.support import Context, deliver, run_concurrently, sqs_event


def archived(sku: str, version: int) -> ProductArchived:
    event = ProductArchived.of(
        product_data(sku, version=version), subject=sku, version=version, at=clock.now()
    )
    assert isinstance(event, ProductArchived)
    return event


def quantities(priced: PricedCart) -> dict[str, int]:
    return {line.sku: line.quantity for line in priced.cart.lines.values()}


@pytest.mark.parametrize("sequence", list(itertools.permutations([1, 2, 3])))
def test_in_any_order_of_events_the_newest_product_data_is_kept(cloud, sequence):
    events = [
        product_changed(product_data("A", 100, version=1)),
        product_changed(product_data("A", 200, version=2)),
        archived("A", 3),
    ]
    for number in (*sequence, *sequence):
        assert deliver(consume, events[number - 1]) == []
    product = reads.products_and_coupon(["A"], None, "usr_1")[0]["A"]
    assert (product.version, product.active) == (3, False)


def test_an_archived_product_that_is_activated_is_sold_again(cloud):
    deliver(consume, archived("A", 2), product_changed(product_data("A", version=3)))
    assert carts.add_item("usr_1", "A", 1).cart.item_count == 1


def test_a_batch_costs_one_write_per_message(cloud, calls):
    receive(*(product_data(f"S{number}") for number in range(10)))
    assert calls == ["PutItem"] * 10


def test_an_invalid_message_does_not_block_the_others(cloud):
    good = product_changed(product_data("A")).model_dump_json()
    response = consume(sqs_event("not json", good, '{"type": "product.changed", "data": {}}'), Context())
    assert [item["itemIdentifier"] for item in response["batchItemFailures"]] == ["m0", "m2"]
    assert reads.products_and_coupon(["A"], None, "usr_1")[0]


def test_an_order_removes_its_lines_once_and_keeps_later_additions(cloud):
    receive(product_data("A"), product_data("B"), product_data("C"))
    for sku, quantity in {"A": 2, "B": 3, "C": 1}.items():
        carts.add_item("usr_1", sku, quantity)
    event = placed(A=2, B=3)
    carts.add_item("usr_1", "B", 4)
    for _ in range(3):
        assert deliver(consume, event, event) == []
    assert quantities(carts.read_cart("usr_1")) == {"B": 4, "C": 1}
    # Another event id makes no difference: the order is recorded.
    assert deliver(consume, placed(version=9, A=2, B=3)) == []
    assert quantities(carts.read_cart("usr_1")) == {"B": 4, "C": 1}
    assert deliver(consume, placed("ord_2", B=1)) == []
    assert quantities(carts.read_cart("usr_1")) == {"B": 3, "C": 1}


def test_a_repeated_event_removes_nothing_after_an_order_that_removed_nothing(cloud):
    receive(product_data("A"))
    event = placed(A=2)
    deliver(consume, event)
    carts.add_item("usr_1", "A", 5)
    deliver(consume, event)
    assert quantities(carts.read_cart("usr_1")) == {"A": 5}


def test_concurrent_orders_and_additions_are_each_applied_once(cloud):
    receive(product_data("A"))
    carts.add_item("usr_1", "A", 10)

    def shop() -> list[str]:
        for _ in range(6):
            carts.add_item("usr_1", "A", 1)
        return []

    def remove(number: int) -> list[str]:
        return deliver(consume, placed(f"ord_{number}", A=2))

    # Each order's event is delivered twice, to two consumers.
    removals = [lambda number=number: remove(number) for number in (1, 2, 3, 1, 2, 3)]
    assert run_concurrently(shop, *removals) == [[]] * 7
    assert quantities(carts.read_cart("usr_1")) == {"A": 10 + 6 - 3 * 2}
