"""The rules of coupons and of discounted prices, with plain values."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from cart.domain.carts import Cart, Line
from cart.domain.pricing import TaxRate, totals
from cart.domain.promotions import (
    Coupon,
    Held,
    Kind,
    Reason,
    Terms,
    apply,
    code_of,
    discounts,
    spread,
    why_not,
)
from shared.contracts.quotes import MAX_LINES
from shared.values.money import Money, Price
from tests.cart.conftest import facts

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
rates = st.builds(TaxRate, country=st.just("GB"), rate_bp=st.integers(0, 10_000), inclusive=st.booleans())


def pence(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")


def gbp(amount: int, currency: str = "GBP") -> Price:
    return Price(amount=amount, currency=currency)


def coupon(kind: Kind = Kind.PERCENTAGE, value: Any = 10, used: int = 0, **terms: Any) -> Coupon:
    return Coupon("SPRING", Terms(kind=kind, value=value, **terms), version=1, used=used)


def basket(*products: Any, coupon: str | None = "SPRING", currency: str = "GBP") -> Cart:
    cart = Cart("usr_1", currency)
    for product in products:
        cart = cart.add(product, 1)
    return replace(cart, coupon=coupon)


def line(number: int, amount: int, quantity: int = 1) -> Line:
    return Line.of(facts(f"S{number}", amount, category_ids=["odd" if number % 2 else "even"]), quantity)


@st.composite
def many_lines(draw: st.DrawFn) -> list[Line]:
    """Up to 1,000 lines, often with many of the same price."""
    prices = draw(st.lists(st.integers(0, 10) | st.integers(0, 10**9), min_size=1, max_size=12))
    count = draw(st.integers(1, 12) | st.just(MAX_LINES))
    return [line(number, prices[number % len(prices)], 1 + number % 100) for number in range(count)]


all_terms = st.builds(
    Terms,
    kind=st.just(Kind.PERCENTAGE),
    value=st.integers(1, 100),
    category_ids=st.lists(st.sampled_from(["odd", "even", "none"]), max_size=2),
    skus=st.lists(st.sampled_from(["S0", "S1", "S999"]), max_size=2),
) | st.one_of(
    st.builds(
        Terms,
        kind=st.just(Kind.FIXED),
        value=st.builds(gbp, st.integers(1, 50) | st.integers(1, 10**9)),
        category_ids=st.lists(st.sampled_from(["odd", "even", "none"]), max_size=2),
    ),
    st.builds(Terms, kind=st.just(Kind.FREE_SHIPPING)),
)


@given(many_lines(), all_terms, st.integers(0, 10**9), rates)
def test_with_every_kind_and_both_taxes_the_parts_add_up_and_nothing_is_below_zero(
    lines: list[Line], terms: Terms, delivery: int, tax: TaxRate
):
    cart = Cart("usr_1", "GBP", {line.sku: line for line in lines}, coupon="SPRING")
    applied = apply(cart, Held(Coupon("SPRING", terms, 1)), NOW)
    assert (applied.refusal is None) == any(terms.is_for(line) for line in lines)
    shipping = pence(0) if applied.ships_free else pence(delivery)
    goods = [line.line_total for line in lines]
    sums = totals(goods, applied.discounts, shipping, tax)
    for good, discount, line_tax, each in zip(goods, applied.discounts, sums.line_taxes, lines, strict=True):
        assert 0 <= discount.amount <= (good.amount if terms.is_for(each) else 0)
        assert line_tax == tax.on(good - discount)
        assert line_tax.amount >= 0
    assert sums.subtotal.amount == sum(good.amount for good in goods)
    assert sums.discount.amount == sum(discount.amount for discount in applied.discounts)
    assert sums.shipping_tax == tax.on(shipping)
    assert sums.tax.amount == sum(part.amount for part in sums.line_taxes) + sums.shipping_tax.amount
    net = sums.subtotal.amount - sums.discount.amount + shipping.amount
    assert sums.total.amount == net + (0 if tax.inclusive else sums.tax.amount)
    assert 0 <= sums.tax.amount <= sums.total.amount


@given(many_lines(), st.integers(1, 100))
def test_a_percentage_is_rounded_half_even_once_a_line(lines: list[Line], per_cent: int):
    terms = Terms(kind=Kind.PERCENTAGE, value=per_cent)
    exact = [Fraction(line.line_total.amount * per_cent, 100) for line in lines]
    assert [part.amount for part in discounts(terms, lines, "GBP")] == [round(part) for part in exact]


@given(many_lines(), st.integers(1, 50) | st.integers(1, 10**9))
def test_a_fixed_discount_is_spread_whole_and_each_share_is_less_than_a_penny_off(
    lines: list[Line], value: int
):
    eligible = sum(line.line_total.amount for line in lines)
    shares = [part.amount for part in discounts(Terms(kind=Kind.FIXED, value=gbp(value)), lines, "GBP")]
    given_away = min(value, eligible)
    assert sum(shares) == given_away
    for line, share in zip(lines, shares, strict=True):
        exact = Fraction(given_away * line.line_total.amount, eligible or 1)
        assert abs(share - exact) < 1
        assert 0 <= share <= line.line_total.amount


@given(st.lists(st.integers(0, 20), min_size=1, max_size=20), st.data())
@example([1, 1, 1], None)
def test_who_has_the_larger_remainder_is_served_first_ties_by_place(over: list[int], data: Any):
    whole = sum(over)
    amount = data.draw(st.integers(0, whole)) if data else 2
    shares = spread(amount, over)
    served = [share - amount * part // (whole or 1) for share, part in zip(shares, over, strict=True)]
    remainders = [(amount * part % (whole or 1), -place) for place, part in enumerate(over)]
    got = [rank for rank, extra in zip(remainders, served, strict=True) if extra]
    not_got = [rank for rank, extra in zip(remainders, served, strict=True) if not extra]
    assert {*served} <= {0, 1}
    assert not got or not not_got or min(got) > max(not_got)


def test_known_shares():
    assert spread(100, [1, 1, 1]) == [34, 33, 33]
    assert spread(5, [999, 1]) == [5, 0]
    assert spread(10, [0, 5, 5]) == [0, 5, 5]
    assert spread(0, [0, 0]) == [0, 0]


def test_ten_per_cent_of_half_pennies_goes_to_the_even_penny():
    lines = [line(0, 5), line(1, 15), line(2, 25)]
    assert [part.amount for part in discounts(Terms(kind=Kind.PERCENTAGE, value=10), lines, "GBP")] == [
        0,
        2,
        2,
    ]


REFUSED: list[tuple[Coupon | None, Cart, Reason]] = [
    (None, basket(facts("A")), Reason.UNKNOWN),
    (coupon(starts_at=NOW + timedelta(seconds=1)), basket(facts("A")), Reason.NOT_STARTED),
    (coupon(ends_at=NOW), basket(facts("A")), Reason.ENDED),
    (coupon(min_subtotal=gbp(1001)), basket(facts("A", 1000)), Reason.MINIMUM),
    (coupon(min_subtotal=gbp(0)), basket(), Reason.MINIMUM),
    (coupon(Kind.FIXED, gbp(5)), basket(facts("E", currency="EUR"), currency="EUR"), Reason.CURRENCY),
    (coupon(min_subtotal=gbp(5)), basket(facts("E", currency="EUR"), currency="EUR"), Reason.CURRENCY),
    (coupon(), basket(), Reason.NOTHING_ELIGIBLE),
    (coupon(Kind.FREE_SHIPPING, None, skus=["B"]), basket(facts("A")), Reason.NOTHING_ELIGIBLE),
    (coupon(category_ids=["tea"]), basket(facts("A", category_ids=["mugs"])), Reason.NOTHING_ELIGIBLE),
    (coupon(usage_limit=3, used=3), basket(facts("A")), Reason.USED_UP),
    (coupon(per_user_limit=2), basket(facts("A")), Reason.USED_BY_YOU),
]


@pytest.mark.parametrize(("known", "cart", "reason"), REFUSED)
def test_a_coupon_that_does_not_apply_says_why_and_gives_nothing(known, cart: Cart, reason: Reason):
    applied = apply(cart, Held(known, used_by_owner=2), NOW)
    assert applied.refusal is not None
    assert applied.refusal.reason == reason
    assert "SPRING" in applied.refusal.words
    assert (applied.coupon, applied.discount, applied.ships_free) == (None, 0, False)


def test_a_minimum_says_how_much_is_missing_of_the_whole_carts_subtotal():
    cart = basket(facts("A", 1000), facts("B", 500))
    known = coupon(skus=["A"], min_subtotal=gbp(2000))
    refusal = why_not(cart, "SPRING", Held(known), NOW)
    assert refusal is not None
    assert refusal.missing == pence(500)
    assert "£5.00" in refusal.words
    enough = apply(cart.add(facts("B", 500), 1), Held(known), NOW)
    assert [part.amount for part in enough.discounts] == [100, 0]


def test_on_its_last_use_and_in_its_first_second_it_applies():
    known = coupon(usage_limit=3, used=2, per_user_limit=2, starts_at=NOW, ends_at=NOW + timedelta(seconds=1))
    assert apply(basket(facts("A", 1000)), Held(known, used_by_owner=1), NOW).discount == 100


def test_lines_in_either_a_named_category_or_a_named_sku_are_eligible():
    known = coupon(category_ids=["tea"], skus=["B"])
    cart = basket(facts("A", 100, category_ids=["mugs", "tea"]), facts("B", 200), facts("C", 300))
    assert [part.amount for part in apply(cart, Held(known), NOW).discounts] == [10, 20, 0]


def test_a_coupon_in_no_currency_is_good_in_any():
    cart = basket(facts("E", 1000, currency="EUR"), currency="EUR")
    assert apply(cart, Held(coupon()), NOW).discounts == (Money(amount=100, currency="EUR"),)


def test_a_cart_without_a_coupon_has_no_discount_and_no_complaint():
    applied = apply(basket(facts("A"), coupon=None), Held(), NOW)
    assert (applied.discount, applied.refusal, len(applied.discounts)) == (0, None, 1)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("spring-26", "SPRING-26"),
        ("A_1", "A_1"),
        ("x" * 40, "X" * 40),
        ("ab", None),
        ("x" * 41, None),
        ("spring 26", None),
        ("spring\n", None),
        ("straße", None),
        ("ﬃne", None),
    ],
)
def test_codes_are_read_in_any_case_and_kept_in_capitals(written: str, code: str | None):
    assert code_of(written) == code


@pytest.mark.parametrize(
    ("terms", "place"),
    [
        ({"kind": "percentage", "value": 0}, "value"),
        ({"kind": "percentage", "value": 101}, "value"),
        ({"kind": "percentage", "value": 10.5}, "value"),
        ({"kind": "percentage", "value": True}, "value"),
        ({"kind": "percentage"}, "value"),
        ({"kind": "percentage", "value": {"amount": 5, "currency": "GBP"}}, "value"),
        ({"kind": "fixed", "value": 5}, "value"),
        ({"kind": "fixed", "value": {"amount": 0, "currency": "GBP"}}, "value"),
        ({"kind": "fixed", "value": {"amount": 5, "currency": "£"}}, "value"),
        ({"kind": "fixed"}, "value"),
        ({"kind": "free_shipping", "value": 5}, "value"),
        ({"kind": "bogof"}, "kind"),
        (
            {
                "kind": "fixed",
                "value": {"amount": 5, "currency": "GBP"},
                "min_subtotal": {"amount": 5, "currency": "EUR"},
            },
            "min_subtotal",
        ),
        ({"starts_at": "2026-05-01T00:00:00Z", "ends_at": "2026-05-01T00:00:00Z"}, "ends_at"),
        ({"starts_at": "2026-05-01T00:00:00"}, "starts_at"),
        ({"ends_at": "9999-12-31T23:59:59-12:00"}, "ends_at"),
        ({"usage_limit": 0}, "usage_limit"),
        ({"per_user_limit": -1}, "per_user_limit"),
        ({"skus": ["a b"]}, "skus"),
        ({"category_ids": [f"c{number}" for number in range(101)]}, "category_ids"),
        ({"discount": 5}, "discount"),
    ],
)
def test_terms_that_make_no_sense_are_refused_where_they_make_none(terms: dict, place: str):
    with pytest.raises(ValidationError) as refused:
        Terms.model_validate_json(json.dumps({"kind": "free_shipping"} | terms))
    assert [error["loc"][0] for error in refused.value.errors()] == [place]


def test_times_are_kept_in_utc():
    terms = Terms.model_validate_json('{"kind": "free_shipping", "ends_at": "2026-05-01T02:00:00+02:00"}')
    assert terms.ends_at == datetime(2026, 5, 1, tzinfo=UTC)
    assert '"2026-05-01T00:00:00Z"' in terms.model_dump_json()
