"""The rules of carts and prices, with plain values."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart.domain.carts import MAX_UNITS, Cart, CurrencyMismatch
from cart.domain.pricing import TaxRate, totals
from cart.domain.shipping import Rate, ShippingMethod, choose, offers
from shared.contracts.events import OrderLineData
from shared.contracts.problems import CartEmpty, OutOfStock
from shared.contracts.quotes import MAX_LINES
from shared.errors import Invalid
from shared.values.money import Money, Price
from tests.cart.conftest import facts

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


def ordered(sku: str, quantity: int) -> OrderLineData:
    return OrderLineData(
        sku=sku,
        product_id="prd_1",
        title="x",
        quantity=quantity,
        unit_price=pence(1),
        line_total=pence(quantity),
    )


def test_adding_the_same_product_again_adds_up_in_its_place():
    cart = EMPTY.add(facts("A"), 2).add(facts("B"), 1).add(facts("A"), 3)
    assert [(line.sku, line.quantity) for line in cart.lines.values()] == [("A", 5), ("B", 1)]
    assert cart.item_count == 6
    assert cart.subtotal == pence(6000)


def test_a_line_takes_9999_pieces_and_says_so_beyond():
    full = EMPTY.add(facts("A"), 9_999)
    with pytest.raises(Invalid) as refused:
        full.add(facts("A"), 1)
    assert refused.value.extra["errors"][0]["pointer"] == "/quantity"


def test_a_cart_is_bounded_in_lines_and_pieces():
    cart = EMPTY
    for number in range(MAX_LINES):
        cart = cart.add(facts(f"S{number}"), 1)
    assert cart.add(facts("S0"), 1).item_count == MAX_LINES + 1
    with pytest.raises(Invalid, match="products"):
        cart.add(facts("one-more"), 1)
    heavy = EMPTY
    for number in range(MAX_UNITS // 9_999):
        heavy = heavy.add(facts(f"S{number}"), 9_999)
    with pytest.raises(Invalid, match="100,000 pieces"):
        heavy.add(facts("one-more"), 9_999)


def test_a_cart_holds_one_currency_until_it_is_empty():
    cart = EMPTY.add(facts("A"), 1)
    with pytest.raises(CurrencyMismatch):
        cart.add(facts("E", currency="EUR"), 1)
    assert cart.remove("A").add(facts("E", currency="EUR"), 1).subtotal.currency == "EUR"


def test_what_changes_nothing_gives_the_same_cart():
    cart = EMPTY.add(facts("A"), 1)
    assert cart.remove("absent") is cart
    assert cart.forget([ordered("absent", 4)]) is cart
    assert EMPTY.clear() is EMPTY


@given(st.dictionaries(st.sampled_from("ABCD"), st.integers(1, 50)), st.lists(st.sampled_from("ABCDE")))
def test_forgetting_takes_what_was_ordered_and_no_more(held: dict[str, int], gone: list[str]):
    cart = EMPTY
    for sku, quantity in held.items():
        cart = cart.add(facts(sku), quantity)
    left = cart.forget([ordered(sku, 1) for sku in gone])
    expected = {sku: quantity - gone.count(sku) for sku, quantity in held.items()}
    assert {line.sku: line.quantity for line in left.lines.values()} == {
        sku: quantity for sku, quantity in expected.items() if quantity > 0
    }


def test_a_guests_cart_lives_thirty_days_from_its_last_change_and_a_customers_for_ever():
    guests = Cart(owner="gst_1", currency="GBP", coupon="SPRING").add(facts("A"), 1).next_version(NOW)
    assert guests.expires_at == NOW + timedelta(days=30)
    assert guests.as_of(NOW + timedelta(days=29)).lines
    gone = guests.as_of(NOW + timedelta(days=30))
    assert (gone.lines, gone.coupon, gone.version) == ({}, None, 1)
    assert EMPTY.add(facts("A"), 1).next_version(NOW).expires_at is None


def test_what_cannot_be_sold_has_nothing_available():
    cart = EMPTY.add(facts("A", 700), 1)
    for now in (None, facts("A", active=False), facts("A", currency="EUR")):
        seen = cart.seen({"A": now}).lines["A"]
        assert (seen.available, seen.unit_price.amount) == (0, 700)
    assert cart.seen({}).lines["A"].available == 50
    assert cart.seen({"A": facts("A", 900)}).subtotal == pence(900)


def test_only_a_cart_that_can_be_delivered_is_sold():
    with pytest.raises(CartEmpty):
        EMPTY.check_sellable()
    cart = EMPTY.add(facts("A", available=3), 3).add(facts("B", available=1), 2)
    with pytest.raises(OutOfStock) as short:
        cart.check_sellable()
    assert short.value.extra == {"items": [{"sku": "B", "requested": 2, "available": 1}]}


def test_the_cheapest_way_comes_first_ties_by_name_and_is_the_default():
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
def test_a_way_that_is_not_offered_is_refused_where_it_was_asked(offered: list[ShippingMethod], pointer: str):
    with pytest.raises(Invalid) as refused:
        choose(offers(offered, "GB", pence(1)), "rocket", "/country")
    assert refused.value.extra["errors"][0]["pointer"] == pointer


@given(st.lists(st.integers(0, 1000), min_size=1, unique=True), st.integers(0, 2000), st.integers(0, 500))
def test_the_highest_tier_reached_counts_and_a_larger_subtotal_never_falls_to_a_lower_one(
    tiers: list[int], subtotal: int, more: int
):
    # Each tier's price is its own threshold, so the price tells which tier was taken.
    post = method("Post", *(rate(tier, tier) for tier in tiers))
    reached = [tier for tier in tiers if tier <= subtotal]
    taken = post.price_for(pence(subtotal))
    assert (taken.amount if taken else None) == max(reached, default=None)
    later = post.price_for(pence(subtotal + more))
    assert taken is None or (later is not None and later.amount >= taken.amount)


@given(st.lists(amounts, min_size=1, max_size=20), st.integers(0, 10**9), rates)
def test_the_parts_add_up_to_the_total(goods: list[int], delivery: int, tax: TaxRate):
    nothing = [pence(0) for _ in goods]
    sums = totals([pence(part) for part in goods], nothing, Price(amount=delivery, currency="GBP"), tax)
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
def test_known_taxes(amount: int, rate_bp: int, inclusive: bool, tax: int):
    assert TaxRate(country="GB", rate_bp=rate_bp, inclusive=inclusive).on(pence(amount)).amount == tax
