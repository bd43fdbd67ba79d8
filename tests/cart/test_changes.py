"""How a line reports changes of its product since the shopper last changed the line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart.app.api import api
from cart.domain.carts import Change, Line
from cart.service import carts
from cart.tables.rows import CartRow, ProductRow
from tests.cart.conftest import product_data, receive
from tests.cart.requests import gbp
from tests.support import call, customer


def item(sku: str = "A") -> tuple[Any, Any]:
    shown = call(api, "GET", "/cart", caller=customer()).json
    return next(
        (each["change"], each["previous_unit_price"]) for each in shown["items"] if each["sku"] == sku
    )


@pytest.fixture
def shop(catalog):
    receive(product_data("A", 1000), product_data("B", 100))
    carts.add_item("usr_1", "A", 1)
    carts.add_item("usr_1", "B", 1)
    return catalog


def test_an_unchanged_product_reports_no_change(shop):
    assert item() == (None, None)


@pytest.mark.parametrize(("price", "change"), [(1001, "price_up"), (999, "price_down")])
def test_a_price_change_is_reported_until_the_shopper_changes_the_line(shop, price: int, change: str):
    receive(product_data("A", price, version=2))
    assert item() == (change, gbp(1000))
    assert item() == (change, gbp(1000)), "reading does not acknowledge"
    carts.add_item("usr_1", "B", 1)
    assert item() == (change, gbp(1000)), "changing another line does not acknowledge"
    carts.set_item("usr_1", "A", 1, None)
    assert item() == (None, None)


def test_a_price_that_changed_and_returned_is_not_a_change(shop):
    receive(product_data("A", 2000, version=2), product_data("A", 1000, version=3))
    assert item() == (None, None)


@pytest.mark.parametrize(
    "update",
    [
        product_data("A", 1000, version=2, active=False),
        product_data("A", 1000, version=2, currency="EUR"),
        None,
    ],
)
def test_a_product_that_cannot_be_sold_is_gone(shop, update):
    if update:
        receive(update)
    else:  # neither the replica nor catalog has it
        ProductRow(pk="product#A").delete()
    assert item() == ("gone", None)
    receive(product_data("A", 1000, version=3))
    assert item() == (None, None)


def test_no_change_is_reported_while_catalog_is_unavailable(shop):
    ProductRow(pk="product#A").delete()
    shop.down = True
    assert item() == (None, None)


def test_reading_a_cart_writes_nothing(shop, calls):
    receive(product_data("A", 2000, version=2))
    before = CartRow.get("cart#usr_1").serialize()
    calls.clear()
    item()
    assert {*calls} == {"BatchGetItem"}
    assert CartRow.get("cart#usr_1").serialize() == before


@given(st.integers(1, 5), st.lists(st.integers(1, 5) | st.none(), min_size=1, max_size=5))
def test_a_change_compares_the_acknowledged_price_with_the_current_one(
    acknowledged: int, prices: list[int | None]
):
    line = Line.of(product_data("A", acknowledged), 1)
    for price in prices:
        line = line.refreshed(product_data("A", price) if price else None)
    now = prices[-1]
    if now is None:
        assert (line.change, line.previous_unit_price) == (Change.GONE, None)
    elif now == acknowledged:
        assert (line.change, line.previous_unit_price) == (None, None)
    else:
        assert line.change == (Change.PRICE_UP if now > acknowledged else Change.PRICE_DOWN)
        assert line.previous_unit_price is not None
        assert line.previous_unit_price.amount == acknowledged
