"""The domain's rules, on plain values."""

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
VARIANT = {
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
def test_a_category_id_is_the_name_in_plain_lower_case(name, expected):
    assert slugify(name) == expected


@pytest.mark.parametrize("name", ["", "!!!", "日本"])
def test_a_name_without_ascii_letters_or_digits_is_invalid(name):
    with pytest.raises(Invalid) as raised:
        slugify(name)
    assert raised.value.extra["errors"][0]["pointer"] == "/name"


@given(st.text(max_size=200))
def test_every_category_id_fits_in_a_path(name):
    try:
        made = slugify(name)
    except Invalid:
        return
    assert 1 <= len(made) <= 64
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert made.startswith(tuple("abcdefghijklmnopqrstuvwxyz0123456789"))


@given(lines)
def test_merging_keeps_one_line_per_sku_and_all_pieces(order_lines):
    merged = merge_lines(order_lines)
    assert len({line.sku for line in merged}) == len(merged)
    pieces: Counter[str] = Counter()
    for line in order_lines:
        pieces[line.sku] += line.quantity
    assert {line.sku: line.quantity for line in merged} == pieces


@given(lines)
def test_chunks_fit_a_transaction_and_contain_each_line_once(order_lines):
    merged = merge_lines(order_lines)
    parts = split_into_chunks(merged)
    assert all(0 < len(part) <= MAX_LINES for part in parts)
    assert sorted(merged, key=lambda line: line.sku) == [line for part in parts for line in part]
    assert len(parts) == -(-len(merged) // MAX_LINES)


@given(lines, st.randoms())
def test_chunks_do_not_depend_on_the_order_of_the_lines(order_lines, chance):
    merged = merge_lines(order_lines)
    shuffled = chance.sample(merged, len(merged))
    assert split_into_chunks(shuffled) == split_into_chunks(merged)


def test_out_of_stock_lists_the_available_quantity_of_each_short_sku():
    problem = reservation_problem([Shortage(mug("A", 3), 1, FIVE), Shortage(mug("B", 1), 0, FIVE)])
    assert isinstance(problem, OutOfStock)
    assert problem.extra["items"] == [
        {"sku": "A", "requested": 3, "available": 1},
        {"sku": "B", "requested": 1, "available": 0},
    ]


def test_out_of_stock_takes_precedence_and_includes_changed_prices():
    problem = reservation_problem([Shortage(mug("A", 3), 1, FIVE), Shortage(mug("B", 1), 9, SIX)])
    assert isinstance(problem, OutOfStock)
    assert [item["sku"] for item in problem.extra["items"]] == ["A"]
    assert problem.extra["prices"] == [{"sku": "B", "quoted": FIVE.model_dump(), "current": SIX.model_dump()}]


def test_a_short_line_has_its_new_price_if_any_piece_can_be_sold():
    shortages = [
        Shortage(mug("SHORT", 3), 1, SIX),
        Shortage(mug("GONE", 3), 0, SIX),
        Shortage(mug("OFF", 1), 9, SIX, active=False),
        Shortage(mug("NEVER", 1), 0, None),
    ]
    problem = reservation_problem(shortages)
    assert [item["sku"] for item in problem.extra["items"]] == ["SHORT", "GONE", "OFF", "NEVER"]
    assert [item["sku"] for item in problem.extra["prices"]] == ["SHORT"]


def test_out_of_stock_has_no_prices_if_none_changed():
    assert "prices" not in reservation_problem([Shortage(mug("A", 3), 1, FIVE)]).extra


shortages_or_not = st.builds(
    Shortage,
    st.builds(lambda n, quantity: mug(f"SKU-{n}", quantity), st.integers(0, 9), st.integers(1, 5)),
    st.integers(0, 5),
    st.sampled_from([FIVE, SIX, None]),
    st.booleans(),
)


@given(st.lists(shortages_or_not, min_size=1, max_size=8, unique_by=lambda shortage: shortage.line.sku))
def test_an_order_that_accepts_the_whole_problem_can_be_reserved(shortages):

    def can_be_reserved(shortage, quantity, price):
        return shortage.active and shortage.price == price and shortage.available >= quantity

    rejected = [
        shortage
        for shortage in shortages
        if not can_be_reserved(shortage, shortage.line.quantity, shortage.line.price)
    ]
    if not rejected:
        return
    problem = reservation_problem(rejected).extra
    prices = {item["sku"]: item for item in problem.get("prices", []) + problem["items"] if "current" in item}
    available = {item["sku"]: item["available"] for item in problem["items"] if "available" in item}
    for shortage in shortages:
        quantity = available.get(shortage.line.sku, shortage.line.quantity)
        price = prices[shortage.line.sku]["current"] if shortage.line.sku in prices else FIVE.model_dump()
        assert quantity == 0 or can_be_reserved(shortage, quantity, Money(**price))


@pytest.mark.parametrize("shortage", [Shortage(mug(), 9, FIVE, active=False), Shortage(mug(), 0, None)])
def test_a_sku_that_is_not_on_sale_is_not_available(shortage):
    problem = reservation_problem([shortage])
    assert isinstance(problem, OutOfStock)
    assert problem.extra["items"] == [{"sku": "MUG", "requested": 2, "available": 0}]


def test_price_changed_has_the_quoted_and_the_current_price():
    problem = reservation_problem([Shortage(mug(), 9, SIX)])
    assert isinstance(problem, PriceChanged)
    assert problem.extra["items"] == [
        {"sku": "MUG", "quoted": FIVE.model_dump(), "current": SIX.model_dump()}
    ]


@pytest.mark.parametrize(
    ("product", "variant", "expected"),
    [("Mug", "red", "Mug, red"), ("Mug", "", "Mug"), ("Mug", "Mug", "Mug")],
)
def test_a_full_title_joins_both_titles_without_repeating_one(product, variant, expected):
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
def test_only_titles_prices_status_categories_and_low_stock_need_an_event(change, expected):
    assert needs_event(VARIANT, VARIANT | change) is expected


def test_stock_that_is_no_longer_low_needs_an_event_if_it_is_on_sale():
    scarce = VARIANT | {"available": EXACT_STOCK_BELOW - 1}
    assert needs_event(scarce, VARIANT)
    assert not needs_event(scarce | {"active": False}, VARIANT | {"active": False})


def test_a_new_variant_needs_an_event_if_it_is_on_sale():
    assert needs_event(None, VARIANT)
    assert not needs_event(None, VARIANT | {"active": False})
