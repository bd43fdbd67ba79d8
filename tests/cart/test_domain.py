"""The rules of carts and prices."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart.domain.carts import MAX_PIECES, Cart, CurrencyMismatch
from cart.domain.pricing import TaxRate, totals
from cart.domain.shipping import Rate, ShippingMethod, choose, offers
from shared.contracts.problems import CartEmpty, OutOfStock
from shared.contracts.quotes import MAX_LINES
from shared.errors import Invalid
from shared.values.money import Money, Price
from tests.cart.conftest import product_data

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
EMPTY = Cart(owner="usr_1", currency="GBP")
amounts = st.integers(0, 10**12)
rates = st.builds(TaxRate, country=st.just("GB"), rate_bp=st.integers(0, 10_000), inclusive=st.booleans())


def pence(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")


def rate(min_subtotal: int, price: int, currency: str = "GBP") -> Rate:
    return Rate(
        min_subtotal=Price(amount=min_subtotal, currency=currency),
        price=Price(amount=price, currency=currency),
    )


def method(name: str, *tiers: Rate, countries: tuple[str, ...] = ("GB",)) -> ShippingMethod:
    return ShippingMethod(
        method=name.lower(), name=name, countries=list(countries), rates=list(tiers), version=1
    )


def test_adding_a_product_again_increases_its_line():
    cart = EMPTY.add(product_data("A"), 2).add(product_data("B"), 1).add(product_data("A"), 3)
    assert [(line.sku, line.quantity) for line in cart.lines.values()] == [("A", 5), ("B", 1)]
    assert cart.item_count == 6
    assert cart.subtotal == pence(6000)


def test_a_line_has_at_most_9999_pieces():
    full = EMPTY.add(product_data("A"), 9_999)
    with pytest.raises(Invalid) as refused:
        full.add(product_data("A"), 1)
    assert refused.value.extra["errors"][0]["pointer"] == "/quantity"


def test_a_cart_has_limits_on_lines_and_pieces():
    cart = EMPTY
    for number in range(MAX_LINES):
        cart = cart.add(product_data(f"S{number}"), 1)
    assert cart.add(product_data("S0"), 1).item_count == MAX_LINES + 1
    with pytest.raises(Invalid, match="products"):
        cart.add(product_data("one-more"), 1)
    heavy = EMPTY
    for number in range(MAX_PIECES // 9_999):
        heavy = heavy.add(product_data(f"S{number}"), 9_999)
    with pytest.raises(Invalid, match="100,000 pieces"):
        heavy.add(product_data("one-more"), 9_999)


def test_a_cart_has_one_currency_until_it_is_empty():
    cart = EMPTY.add(product_data("A"), 1)
    with pytest.raises(CurrencyMismatch):
        cart.add(product_data("E", currency="EUR"), 1)
    assert cart.remove("A").add(product_data("E", currency="EUR"), 1).subtotal.currency == "EUR"


def test_an_operation_without_effect_returns_the_same_object():
    cart = EMPTY.add(product_data("A"), 1)
    assert cart.remove("absent") is cart
    assert cart.remove_ordered({"absent": 4}) is cart
    assert EMPTY.clear() is EMPTY


@given(st.dictionaries(st.sampled_from("ABCD"), st.integers(1, 50)), st.lists(st.sampled_from("ABCDE")))
def test_ordered_quantities_are_removed_and_nothing_else(quantities: dict[str, int], removed: list[str]):
    cart = EMPTY
    for sku, quantity in quantities.items():
        cart = cart.add(product_data(sku), quantity)
    remaining = cart.remove_ordered(Counter(removed))
    expected = {sku: quantity - removed.count(sku) for sku, quantity in quantities.items()}
    assert {line.sku: line.quantity for line in remaining.lines.values()} == {
        sku: quantity for sku, quantity in expected.items() if quantity > 0
    }


def test_a_guest_cart_expires_30_days_after_its_last_change():
    cart = Cart(owner="gst_1", currency="GBP", coupon="SPRING").add(product_data("A"), 1).next_version(NOW)
    assert cart.expires_at == NOW + timedelta(days=30)
    assert cart.as_of(NOW + timedelta(days=29)).lines
    expired = cart.as_of(NOW + timedelta(days=30))
    assert (expired.lines, expired.coupon, expired.version) == ({}, None, 1)
    assert EMPTY.add(product_data("A"), 1).next_version(NOW).expires_at is None


def test_a_product_that_cannot_be_sold_has_nothing_available():
    cart = EMPTY.add(product_data("A", 700), 1)
    for now in (None, product_data("A", active=False), product_data("A", currency="EUR")):
        line = cart.refreshed({"A": now}).lines["A"]
        assert (line.available, line.unit_price.amount) == (0, 700)
    assert cart.refreshed({}).lines["A"].available == 50
    assert cart.refreshed({"A": product_data("A", 900)}).subtotal == pence(900)


def test_a_cart_is_sellable_only_if_it_has_lines_and_all_are_in_stock():
    with pytest.raises(CartEmpty):
        EMPTY.check_sellable()
    cart = EMPTY.add(product_data("A", available=3), 3).add(product_data("B", available=1), 2)
    with pytest.raises(OutOfStock) as error:
        cart.check_sellable()
    assert error.value.extra == {"items": [{"sku": "B", "requested": 2, "available": 1}]}


def test_offers_are_sorted_by_price_and_name_and_the_first_is_the_default():
    found = offers(
        [
            method("Post", rate(0, 400)),
            method("Bike", rate(0, 400)),
            method("Pigeon", rate(0, 100), countries=("FR",)),
            method("World", rate(0, 900), countries=("*",)),
            method("Euro", rate(0, 1, "EUR")),
            method("Big", rate(99_999, 1)),
        ],
        "GB",
        pence(5000),
    )
    assert [offer.name for offer in found] == ["Bike", "Post", "World"]
    assert choose(found, None, "/country").name == "Bike"
    assert choose(found, "world", "/country").price.amount == 900


@pytest.mark.parametrize(
    ("offered", "pointer"), [([], "/country"), ([method("Post", rate(0, 1))], "/shipping_method")]
)
def test_a_method_that_is_not_offered_is_invalid_at_its_field(offered: list[ShippingMethod], pointer: str):
    with pytest.raises(Invalid) as refused:
        choose(offers(offered, "GB", pence(1)), "rocket", "/country")
    assert refused.value.extra["errors"][0]["pointer"] == pointer


@given(st.lists(st.integers(0, 1000), min_size=1, unique=True), st.integers(0, 2000), st.integers(0, 500))
def test_the_highest_tier_that_the_subtotal_reaches_sets_the_price(
    tiers: list[int], subtotal: int, more: int
):
    # Each tier's price equals its threshold, so the price identifies the tier.
    post = method("Post", *(rate(tier, tier) for tier in tiers))
    reached = [tier for tier in tiers if tier <= subtotal]
    price = post.price_for(pence(subtotal))
    assert (price.amount if price else None) == max(reached, default=None)
    larger = post.price_for(pence(subtotal + more))
    assert price is None or (larger is not None and larger.amount >= price.amount)


@given(st.lists(amounts, min_size=1, max_size=20), st.integers(0, 10**9), rates)
def test_the_parts_add_up_to_the_total(goods: list[int], delivery: int, tax: TaxRate):
    no_discounts = [pence(0) for _ in goods]
    sums = totals([pence(part) for part in goods], no_discounts, Price(amount=delivery, currency="GBP"), tax)
    assert sums.subtotal.amount == sum(goods)
    assert sums.discount == pence(0)
    assert sums.tax.amount == sum(tax.on(pence(part)).amount for part in (*goods, delivery))
    added = 0 if tax.inclusive else sums.tax.amount
    assert sums.total.amount == sum(goods) + delivery + added
    assert 0 <= sums.tax.amount <= sums.total.amount


@given(amounts, rates)
def test_tax_is_the_exact_share_rounded_half_even(amount: int, tax: TaxRate):
    exact = Fraction(amount * tax.rate_bp, 10_000 + (tax.rate_bp if tax.inclusive else 0))
    assert tax.on(pence(amount)).amount == round(exact)  # a Fraction rounds half-even, without floats


@pytest.mark.parametrize(
    ("amount", "rate_bp", "inclusive", "tax"),
    [
        (1200, 2000, True, 200),
        (1000, 2000, False, 200),
        (5, 1000, False, 0),
        (15, 1000, False, 2),
        (7, 0, True, 0),
    ],
)
def test_tax_examples(amount: int, rate_bp: int, inclusive: bool, tax: int):
    assert TaxRate(country="GB", rate_bp=rate_bp, inclusive=inclusive).on(pence(amount)).amount == tax
