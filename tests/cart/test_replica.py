"""The copy of the catalog that carts live on: through lost, late and repeated news, and built anew."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cart.app import commands, consume
from cart.domain.carts import Cart, Line
from cart.service.carts import read_cart
from cart.tables import carts as rows_of_carts
from cart.tables import products
from cart.tables.products import products_in
from cart.tables.rows import CartTableRow, ProductRow, read
from shared.contracts.commands import RebuildProgress, RebuildReplica
from shared.contracts.events import ProductData
from shared.errors import Unavailable
from shared.runtime import clock
from tests.cart.conftest import changed, facts, hear
from tests.support import Context, deliver

SKUS = "ABCDE"


def rebuild(after: dict[str, str] | None = None) -> RebuildProgress:
    """As an operator asks, over Lambda's wire."""
    asked = RebuildReplica(after=after).model_dump(mode="json")
    answer = commands({"command": "rebuild_replica", "input": asked, "request_id": "r"}, Context())
    return RebuildProgress.model_validate(answer["output"])


def known(*skus: str) -> dict[str, ProductData]:
    return products_in(read(*(f"product#{sku}" for sku in skus or SKUS)))


def test_categories_are_kept_and_absent_ones_are_none(cloud):
    hear(facts("A", category_ids=["tea", "gifts"]))
    message = changed(facts("B")).model_dump(mode="json", exclude_none=True)
    del message["data"]["category_ids"]  # as a catalog says it that knows of none yet
    assert deliver(consume, type(changed(facts("B"))).model_validate(message)) == []
    assert known("A", "B")["A"].category_ids == ["tea", "gifts"]
    assert known("A", "B")["B"].category_ids == []


def test_a_row_from_before_categories_is_read(cloud):
    hear(facts("A"))
    ProductRow(pk="product#A").update([ProductRow.category_ids.remove()])
    assert known("A")["A"].category_ids == []


def test_rebuilding_learns_every_page(catalog):
    catalog.sells(*(facts(sku, 100 + number) for number, sku in enumerate(SKUS)))
    assert rebuild() == RebuildProgress(processed=5, after=None)
    assert known() == catalog.products


def test_rebuilding_goes_on_where_time_ran_out(catalog, monkeypatch):
    catalog.sells(*(facts(sku) for sku in SKUS))
    began, ticks = clock.now(), iter(range(100))
    monkeypatch.setattr(clock, "now", lambda: began + timedelta(seconds=5 * next(ticks)))
    first = rebuild()
    assert first == RebuildProgress(processed=4, after={"sku": "D"})
    assert rebuild(first.after) == RebuildProgress(processed=1, after=None)
    assert known() == catalog.products


def test_rebuilding_replaces_what_is_as_old_and_leaves_what_is_newer(catalog):
    hear(facts("A", 1, version=2), facts("B", 1, version=3))
    catalog.sells(facts("A", 5, version=2), facts("B", 5, version=2))
    rebuild()
    assert {sku: product.unit_price.amount for sku, product in known().items()} == {"A": 5, "B": 1}


def test_a_silent_catalog_is_told_to_the_operator_and_what_was_learnt_stays(catalog):
    hear(facts("A"))
    catalog.down = True
    with pytest.raises(Unavailable):
        rebuild()
    assert known() == {"A": facts("A")}


def test_rebuilding_finds_out_what_the_catalog_has_no_more(catalog, monkeypatch):
    monkeypatch.setattr(products, "SCANNED", 2)
    hear(*(facts(sku) for sku in SKUS), facts("OUT", active=False))
    catalog.sells(*(facts(sku) for sku in "ACE"))
    rebuild()
    assert {sku: (product.active, product.available) for sku, product in known(*SKUS, "OUT").items()} == {
        "A": (True, 50),
        "B": (False, 0),
        "C": (True, 50),
        "D": (False, 0),
        "E": (True, 50),
        "OUT": (False, 50),
    }
    assert sorted(itertools.chain(*catalog.asked)) == [*SKUS], "only what is on sale is in doubt"


def test_doubting_goes_on_where_time_ran_out_and_leaves_what_came_back(catalog, monkeypatch):
    monkeypatch.setattr(products, "SCANNED", 1)
    hear(facts("A"), facts("B"))
    began, ticks = clock.now(), itertools.count()
    monkeypatch.setattr(clock, "now", lambda: began + timedelta(seconds=11 * next(ticks)))
    after, calls = None, 0
    while calls == 0 or after:
        after, calls = rebuild(after).after, calls + 1
    assert calls > 1
    assert {sku: product.active for sku, product in known("A", "B").items()} == {"A": False, "B": False}
    hear(facts("A", version=2))
    assert known("A")["A"].active


EVERYTHING = Cart("usr_1", "GBP", {sku: Line.of(facts(sku), 1) for sku in SKUS})
# A product, its price, whether it is on sale (None: it is taken out), how often that is said.
histories = st.lists(
    st.tuples(
        st.sampled_from(SKUS), st.integers(0, 3), st.sampled_from([True, False, None]), st.integers(0, 2)
    ),
    max_size=8,
)


@given(histories, st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_after_any_news_lost_repeated_or_reordered_a_rebuild_ends_equal_to_the_catalog(
    catalog, history: list[tuple[str, int, bool | None, int]], data: Any
):
    for row in list(CartTableRow.scan()):
        row.delete()
    catalog.products.clear()
    said: list[ProductData] = []
    for version, (sku, price, active, copies) in enumerate(history, start=1):
        now = facts(sku, price, version=version, active=bool(active), category_ids=["tea"] * (price % 2))
        catalog.sells(now)
        if active is None:
            del catalog.products[sku]
        said += [now] * copies
    heard = data.draw(st.permutations(said))
    late = data.draw(st.integers(0, len(heard)))
    hear(*heard[late:])
    newest = {product.sku: product for product in sorted(heard[late:], key=lambda each: each.version)}
    assert known() == newest, "of what was heard, the newest counts"
    rebuild()
    after = known()
    assert {sku: after[sku] for sku in catalog.products} == catalog.products
    assert not any(after[sku].active for sku in after.keys() - catalog.products.keys())
    hear(*heard[:late])
    after = known()
    assert {sku: after[sku] for sku in catalog.products} == catalog.products, "nothing late undoes it"
    rows_of_carts.write(replace(EVERYTHING, version=1))
    for line in read_cart("usr_1").cart.lines.values():
        sold = catalog.products.get(line.sku)
        if sold and sold.active:
            assert (line.unit_price.amount, line.gone) == (sold.unit_price.amount, False)
        elif sold:
            assert (line.unit_price.amount, line.gone) == (1000, True)


def test_learning_anew_and_by_news_at_once_ends_with_the_newest(catalog, monkeypatch):
    # News of version 3 come while the rebuild holds a page that says version 2.
    catalog.sells(facts("A", 5, version=2))
    learn = products.learn

    def news_first(product: ProductData, *, anew: bool = False) -> None:
        learn(facts("A", 7, version=3))
        learn(product, anew=anew)

    monkeypatch.setattr(products, "learn", news_first)
    rebuild()
    assert known("A")["A"].unit_price.amount == 7
