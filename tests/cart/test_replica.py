"""The replica of catalog's product data: lost, late and repeated events, and the rebuild."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cart.app.commands import commands
from cart.app.consume import consume
from cart.domain.carts import Cart, Line
from cart.service.carts import read_cart
from cart.tables import carts as cart_rows
from cart.tables import products
from cart.tables.products import products_in
from cart.tables.rows import CartTableRow, ProductRow, read
from shared.contracts.commands.cart import RebuildProgress, RebuildReplica
from shared.contracts.events.catalog import ProductData
from shared.errors import Unavailable
from shared.runtime import clock
from tests.cart.conftest import product_changed, product_data, receive
from tests.support import Context, deliver

SKUS = "ABCDE"


def rebuild(after: dict[str, str] | None = None) -> RebuildProgress:
    """Invoke the command function as an operator does."""
    command = RebuildReplica(after=after).model_dump(mode="json")
    response = commands({"command": "rebuild_replica", "input": command, "request_id": "r"}, Context())
    return RebuildProgress.model_validate(response["output"])


def replica(*skus: str) -> dict[str, ProductData]:
    return products_in(read(*(f"product#{sku}" for sku in skus or SKUS)))


def test_categories_are_stored_and_missing_ones_are_an_empty_list(cloud):
    receive(product_data("A", category_ids=["tea", "gifts"]))
    message = product_changed(product_data("B")).model_dump(mode="json", exclude_none=True)
    del message["data"]["category_ids"]  # as an older catalog publishes it
    assert deliver(consume, type(product_changed(product_data("B"))).model_validate(message)) == []
    assert replica("A", "B")["A"].category_ids == ["tea", "gifts"]
    assert replica("A", "B")["B"].category_ids == []


def test_a_row_without_categories_can_be_read(cloud):
    receive(product_data("A"))
    ProductRow(pk="product#A").update([ProductRow.category_ids.remove()])
    assert replica("A")["A"].category_ids == []


def test_a_rebuild_stores_every_page(catalog):
    catalog.sells(*(product_data(sku, 100 + number) for number, sku in enumerate(SKUS)))
    assert rebuild() == RebuildProgress(processed=5, after=None)
    assert replica() == catalog.products


def test_a_rebuild_continues_after_its_time_limit(catalog, monkeypatch):
    catalog.sells(*(product_data(sku) for sku in SKUS))
    start, ticks = clock.now(), iter(range(100))
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(seconds=5 * next(ticks)))
    first = rebuild()
    assert first == RebuildProgress(processed=4, after={"sku": "D"})
    assert rebuild(first.after) == RebuildProgress(processed=1, after=None)
    assert replica() == catalog.products


def test_a_rebuild_replaces_equal_versions_and_keeps_newer_ones(catalog):
    receive(product_data("A", 1, version=2), product_data("B", 1, version=3))
    catalog.sells(product_data("A", 5, version=2), product_data("B", 5, version=2))
    rebuild()
    assert {sku: product.unit_price.amount for sku, product in replica().items()} == {"A": 5, "B": 1}


def test_a_rebuild_fails_if_catalog_is_unavailable_and_keeps_the_replica(catalog):
    receive(product_data("A"))
    catalog.down = True
    with pytest.raises(Unavailable):
        rebuild()
    assert replica() == {"A": product_data("A")}


def test_a_rebuild_deactivates_products_that_catalog_no_longer_has(catalog, monkeypatch):
    monkeypatch.setattr(products, "SCAN_LIMIT", 2)
    receive(*(product_data(sku) for sku in SKUS), product_data("OUT", active=False))
    catalog.sells(*(product_data(sku) for sku in "ACE"))
    rebuild()
    assert {sku: (product.active, product.available) for sku, product in replica(*SKUS, "OUT").items()} == {
        "A": (True, 50),
        "B": (False, 0),
        "C": (True, 50),
        "D": (False, 0),
        "E": (True, 50),
        "OUT": (False, 50),
    }
    assert sorted(itertools.chain(*catalog.described)) == [*SKUS], "only active products are checked"


def test_deactivation_continues_after_the_time_limit_and_is_reversible(catalog, monkeypatch):
    monkeypatch.setattr(products, "SCAN_LIMIT", 1)
    receive(product_data("A"), product_data("B"))
    start, ticks = clock.now(), itertools.count()
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(seconds=11 * next(ticks)))
    after, calls = None, 0
    while calls == 0 or after:
        after, calls = rebuild(after).after, calls + 1
    assert calls > 1
    assert {sku: product.active for sku, product in replica("A", "B").items()} == {"A": False, "B": False}
    receive(product_data("A", version=2))
    assert replica("A")["A"].active


EVERYTHING = Cart("usr_1", "GBP", {sku: Line.of(product_data(sku), 1) for sku in SKUS})
# SKU, price, whether the product is active (None: removed), how often the event is published.
histories = st.lists(
    st.tuples(
        st.sampled_from(SKUS), st.integers(0, 3), st.sampled_from([True, False, None]), st.integers(0, 2)
    ),
    max_size=8,
)


@given(histories, st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_after_any_loss_of_events_a_rebuild_makes_the_replica_equal_catalog(
    catalog, history: list[tuple[str, int, bool | None, int]], data: Any
):
    for row in list(CartTableRow.scan()):
        row.delete()
    catalog.products.clear()
    published: list[ProductData] = []
    for version, (sku, price, active, copies) in enumerate(history, start=1):
        now = product_data(
            sku, price, version=version, active=bool(active), category_ids=["tea"] * (price % 2)
        )
        catalog.sells(now)
        if active is None:
            del catalog.products[sku]
        published += [now] * copies
    received = data.draw(st.permutations(published))
    late = data.draw(st.integers(0, len(received)))
    receive(*received[late:])
    newest = {product.sku: product for product in sorted(received[late:], key=lambda each: each.version)}
    assert replica() == newest, "the newest received version is stored"
    rebuild()
    after = replica()
    assert {sku: after[sku] for sku in catalog.products} == catalog.products
    assert not any(after[sku].active for sku in after.keys() - catalog.products.keys())
    receive(*received[:late])
    after = replica()
    assert {sku: after[sku] for sku in catalog.products} == catalog.products, "late events change nothing"
    cart_rows.write(replace(EVERYTHING, version=1))
    for line in read_cart("usr_1").cart.lines.values():
        sold = catalog.products.get(line.sku)
        if sold and sold.active:
            assert (line.unit_price.amount, line.gone) == (sold.unit_price.amount, False)
        elif sold:
            assert (line.unit_price.amount, line.gone) == (1000, True)


def test_an_event_during_a_rebuild_wins_if_it_is_newer(catalog, monkeypatch):
    # The event of version 3 arrives while the rebuild holds a page with version 2.
    catalog.sells(product_data("A", 5, version=2))
    upsert = products.upsert_replica

    def event_first(product: ProductData, *, replace_same: bool = False) -> None:
        upsert(product_data("A", 7, version=3))
        upsert(product, replace_same=replace_same)

    monkeypatch.setattr(products, "upsert_replica", event_first)
    rebuild()
    assert replica("A")["A"].unit_price.amount == 7
