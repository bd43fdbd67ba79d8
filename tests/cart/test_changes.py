"""What a shopper is told has changed since they last changed a line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart.app import api
from cart.domain.carts import Change, Line
from cart.service import carts
from cart.tables.rows import CartRow, ProductRow
from tests.cart.conftest import facts, hear
from tests.cart.requests import gbp
from tests.support import call, customer


def item(sku: str = "A") -> tuple[Any, Any]:
    shown = call(api, "GET", "/cart", caller=customer()).json
    return next(
        (each["change"], each["previous_unit_price"]) for each in shown["items"] if each["sku"] == sku
    )


@pytest.fixture
def shop(catalog):
    hear(facts("A", 1000), facts("B", 100))
    carts.add_item("usr_1", "A", 1)
    carts.add_item("usr_1", "B", 1)
    return catalog


def test_nothing_changed(shop):
    assert item() == (None, None)


@pytest.mark.parametrize(("price", "change"), [(1001, "price_up"), (999, "price_down")])
def test_another_price_is_told_with_the_one_before_until_the_line_is_changed(shop, price: int, change: str):
    hear(facts("A", price, version=2))
    assert item() == (change, gbp(1000))
    assert item() == (change, gbp(1000)), "looking is not acknowledging"
    carts.add_item("usr_1", "B", 1)
    assert item() == (change, gbp(1000)), "nor is changing another line"
    carts.set_item("usr_1", "A", 1, None)
    assert item() == (None, None)


def test_a_price_that_went_and_came_back_has_not_changed(shop):
    hear(facts("A", 2000, version=2), facts("A", 1000, version=3))
    assert item() == (None, None)


@pytest.mark.parametrize(
    "news", [facts("A", 1000, version=2, active=False), facts("A", 1000, version=2, currency="EUR"), None]
)
def test_what_is_sold_no_more_is_gone(shop, news):
    if news:
        hear(news)
    else:  # neither the replica nor the catalog knows it
        ProductRow(pk="product#A").delete()
    assert item() == ("gone", None)
    hear(facts("A", 1000, version=3))
    assert item() == (None, None)


def test_while_the_catalog_is_silent_nothing_is_said_to_have_changed(shop):
    ProductRow(pk="product#A").delete()
    shop.down = True
    assert item() == (None, None)


def test_looking_writes_nothing(shop, calls):
    hear(facts("A", 2000, version=2))
    before = CartRow.get("cart#usr_1").serialize()
    calls.clear()
    item()
    assert {*calls} == {"BatchGetItem"}
    assert CartRow.get("cart#usr_1").serialize() == before


@given(st.integers(1, 5), st.lists(st.integers(1, 5) | st.none(), min_size=1, max_size=5))
def test_the_change_is_between_what_was_acknowledged_and_what_is_now_whatever_was_between(
    known: int, news: list[int | None]
):
    line = Line.of(facts("A", known), 1)
    for price in news:
        line = line.seen(facts("A", price) if price else None)
    now = news[-1]
    if now is None:
        assert (line.change, line.previous_unit_price) == (Change.GONE, None)
    elif now == known:
        assert (line.change, line.previous_unit_price) == (None, None)
    else:
        assert line.change == (Change.PRICE_UP if now > known else Change.PRICE_DOWN)
        assert line.previous_unit_price is not None
        assert line.previous_unit_price.amount == known
