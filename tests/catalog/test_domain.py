"""The rules of products and stock, on plain values."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain import (
    EXACT_STOCK_BELOW,
    MAX_LINES,
    Line,
    Shortage,
    full_title,
    merge_lines,
    needs_event,
    reservation_problem,
    slugify,
    split_into_chunks,
)
from shared.contracts.problems import OutOfStock, PriceChanged
from shared.errors import Invalid
from shared.values.money import Money

FIVE = Money(amount=500, currency="GBP")
SIX = Money(amount=600, currency="GBP")
TOLD = {
    "title": "A mug",
    "price": 500,
    "currency": "GBP",
    "active": True,
    "available": 500,
    "category_ids": ["mugs"],
}

lines = st.lists(
    st.builds(
        lambda number, quantity: Line("prd_1", f"SKU-{number}", quantity, FIVE),
        st.integers(0, 400),
        st.integers(1, 99),
    ),
    max_size=400,
)


def mug(sku="MUG", quantity=2):
    return Line("prd_1", sku, quantity, FIVE)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Mugs & Cups", "mugs-cups"),
        ("  Café Crème ", "cafe-creme"),
        ("2024!", "2024"),
        ("--a--", "a"),
        ("x" * 200, "x" * 64),
    ],
)
def test_a_category_is_known_by_its_plain_name(name, expected):
    assert slugify(name) == expected


@pytest.mark.parametrize("name", ["", "!!!", "日本"])
def test_a_name_of_which_nothing_plain_is_left_names_no_category(name):
    with pytest.raises(Invalid) as refused:
        slugify(name)
    assert refused.value.extra["errors"][0]["pointer"] == "/name"


@given(st.text(max_size=200))
def test_a_slug_fits_in_a_path_or_is_refused(name):
    try:
        made = slugify(name)
    except Invalid:
        return
    assert 1 <= len(made) <= 64
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert made.startswith(tuple("abcdefghijklmnopqrstuvwxyz0123456789"))


@given(lines)
def test_merging_leaves_one_line_a_sku_and_loses_no_piece(wanted):
    one_each = merge_lines(wanted)
    assert len({line.sku for line in one_each}) == len(one_each)
    pieces: Counter[str] = Counter()
    for line in wanted:
        pieces[line.sku] += line.quantity
    assert {line.sku: line.quantity for line in one_each} == pieces


@given(lines)
def test_chunks_fit_a_transaction_and_hold_each_line_once(wanted):
    one_each = merge_lines(wanted)
    parts = split_into_chunks(one_each)
    assert all(0 < len(part) <= MAX_LINES for part in parts)
    assert sorted(one_each, key=lambda line: line.sku) == [line for part in parts for line in part]
    assert len(parts) == -(-len(one_each) // MAX_LINES)


@given(lines, st.randoms())
def test_chunks_are_the_same_however_the_lines_came(wanted, chance):
    one_each = merge_lines(wanted)
    shuffled = chance.sample(one_each, len(one_each))
    assert split_into_chunks(shuffled) == split_into_chunks(one_each)


def test_a_lack_of_stock_says_which_sku_lacks_what():
    refused = reservation_problem([Shortage(mug("A", 3), 1, FIVE), Shortage(mug("B", 1), 0, FIVE)])
    assert isinstance(refused, OutOfStock)
    assert refused.extra["items"] == [
        {"sku": "A", "requested": 3, "available": 1},
        {"sku": "B", "requested": 1, "available": 0},
    ]


def test_a_lack_of_stock_comes_before_a_changed_price_and_tells_of_both():
    refused = reservation_problem([Shortage(mug("A", 3), 1, FIVE), Shortage(mug("B", 1), 9, SIX)])
    assert isinstance(refused, OutOfStock)
    assert [item["sku"] for item in refused.extra["items"]] == ["A"]
    assert refused.extra["prices"] == [{"sku": "B", "quoted": FIVE.model_dump(), "current": SIX.model_dump()}]


def test_a_short_line_tells_its_new_price_too_unless_nothing_is_sold_of_it():
    """Who takes the rest shall not be refused again, for its price."""
    shortages = [
        Shortage(mug("SHORT", 3), 1, SIX),
        Shortage(mug("GONE", 3), 0, SIX),
        Shortage(mug("OFF", 1), 9, SIX, active=False),
        Shortage(mug("NEVER", 1), 0, None),
    ]
    refused = reservation_problem(shortages)
    assert [item["sku"] for item in refused.extra["items"]] == ["SHORT", "GONE", "OFF", "NEVER"]
    assert [item["sku"] for item in refused.extra["prices"]] == ["SHORT"]


def test_prices_are_told_only_where_some_changed():
    assert "prices" not in reservation_problem([Shortage(mug("A", 3), 1, FIVE)]).extra


chances = st.builds(
    Shortage,
    st.builds(lambda n, quantity: mug(f"SKU-{n}", quantity), st.integers(0, 9), st.integers(1, 5)),
    st.integers(0, 5),
    st.sampled_from([FIVE, SIX, None]),
    st.booleans(),
)


@given(st.lists(chances, min_size=1, max_size=8, unique_by=lambda shortage: shortage.line.sku))
def test_who_accepts_all_that_a_refusal_tells_is_not_refused_again(shortages):
    """The whole order, some of whose lines could be held."""

    def holds(shortage, quantity, price):
        return shortage.active and shortage.price == price and shortage.available >= quantity

    refused = [
        shortage for shortage in shortages if not holds(shortage, shortage.line.quantity, shortage.line.price)
    ]
    if not refused:
        return
    told = reservation_problem(refused).extra
    prices = {item["sku"]: item for item in told.get("prices", []) + told["items"] if "current" in item}
    left = {item["sku"]: item["available"] for item in told["items"] if "available" in item}
    for shortage in shortages:
        quantity = left.get(shortage.line.sku, shortage.line.quantity)
        price = prices[shortage.line.sku]["current"] if shortage.line.sku in prices else FIVE.model_dump()
        assert quantity == 0 or holds(shortage, quantity, Money(**price))


@pytest.mark.parametrize("shortage", [Shortage(mug(), 9, FIVE, active=False), Shortage(mug(), 0, None)])
def test_what_is_not_sold_is_not_available(shortage):
    refused = reservation_problem([shortage])
    assert isinstance(refused, OutOfStock)
    assert refused.extra["items"] == [{"sku": "MUG", "requested": 2, "available": 0}]


def test_a_changed_price_says_what_was_quoted_and_what_it_is():
    refused = reservation_problem([Shortage(mug(), 9, SIX)])
    assert isinstance(refused, PriceChanged)
    assert refused.extra["items"] == [
        {"sku": "MUG", "quoted": FIVE.model_dump(), "current": SIX.model_dump()}
    ]


@pytest.mark.parametrize(
    ("product", "variant", "expected"),
    [("Mug", "red", "Mug, red"), ("Mug", "", "Mug"), ("Mug", "Mug", "Mug")],
)
def test_a_variant_is_called_by_both_names_but_once(product, variant, expected):
    assert full_title(product, variant) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, False),
        ({"title": "A cup"}, True),
        ({"price": 501}, True),
        ({"currency": "EUR"}, True),
        ({"active": False}, True),
        ({"category_ids": []}, True),
        ({"category_ids": ["mugs", "gifts"]}, True),
        ({"available": 499}, False),
        ({"available": EXACT_STOCK_BELOW}, False),
        ({"available": EXACT_STOCK_BELOW - 1}, True),
        ({"available": 0}, True),
    ],
)
def test_others_hear_of_titles_prices_and_scarce_stock_alone(change, expected):
    assert needs_event(TOLD, TOLD | change) is expected


def test_stock_that_is_no_longer_scarce_is_news_and_of_what_is_not_sold_is_not():
    scarce = TOLD | {"available": EXACT_STOCK_BELOW - 1}
    assert needs_event(scarce, TOLD)
    assert not needs_event(scarce | {"active": False}, TOLD | {"active": False})


def test_a_new_variant_is_news_once_it_is_sold():
    assert needs_event(None, TOLD)
    assert not needs_event(None, TOLD | {"active": False})
