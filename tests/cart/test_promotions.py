"""The rules of coupons and of discounted prices."""

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
    CouponState,
    Kind,
    Reason,
    Terms,
    allocate,
    apply,
    discounts,
    ineligibility,
    normalize_code,
)
from shared.contracts.quotes import MAX_LINES
from shared.values.money import Money, Price
from tests.cart.conftest import product_data

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
rates = st.builds(TaxRate, country=st.just("GB"), rate_bp=st.integers(0, 10_000), inclusive=st.booleans())


def pence(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")


def gbp(amount: int, currency: str = "GBP") -> Price:
    return Price(amount=amount, currency=currency)


def coupon(kind: Kind = Kind.PERCENTAGE, value: Any = 10, used: int = 0, **terms: Any) -> Coupon:
    return Coupon("SPRING", Terms(kind=kind, value=value, **terms), version=1, used=used)


def cart_of(*products: Any, coupon: str | None = "SPRING", currency: str = "GBP") -> Cart:
    cart = Cart("usr_1", currency)
    for product in products:
        cart = cart.add(product, 1)
    return replace(cart, coupon=coupon)


def line(number: int, amount: int, quantity: int = 1) -> Line:
    return Line.of(
        product_data(f"S{number}", amount, category_ids=["odd" if number % 2 else "even"]), quantity
    )


@st.composite
def many_lines(draw: st.DrawFn) -> list[Line]:
    """Draw up to 1,000 lines, often with equal prices."""
    prices = draw(st.lists(st.integers(0, 10) | st.integers(0, 10**9), min_size=1, max_size=12))
    # One choice, because a failing example of two alternatives would keep its 1,000 lines.
    count = draw(st.sampled_from([*range(1, 13), *[MAX_LINES] * 12]))
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
def test_discounts_and_taxes_add_up_and_nothing_is_negative(
    lines: list[Line], terms: Terms, delivery: int, tax: TaxRate
):
    cart = Cart("usr_1", "GBP", {line.sku: line for line in lines}, coupon="SPRING")
    effect = apply(cart, CouponState(Coupon("SPRING", terms, 1)), NOW)
    assert (effect.ineligible is None) == any(terms.applies_to(line) for line in lines)
    shipping = pence(0) if effect.ships_free else pence(delivery)
    goods = [line.line_total for line in lines]
    sums = totals(goods, effect.discounts, shipping, tax)
    for good, discount, line_tax, each in zip(goods, effect.discounts, sums.line_taxes, lines, strict=True):
        assert 0 <= discount.amount <= (good.amount if terms.applies_to(each) else 0)
        assert line_tax == tax.on(good - discount)
        assert line_tax.amount >= 0
    assert sums.subtotal.amount == sum(good.amount for good in goods)
    assert sums.discount.amount == sum(discount.amount for discount in effect.discounts)
    assert sums.shipping_tax == tax.on(shipping)
    assert sums.tax.amount == sum(part.amount for part in sums.line_taxes) + sums.shipping_tax.amount
    net = sums.subtotal.amount - sums.discount.amount + shipping.amount
    assert sums.total.amount == net + (0 if tax.inclusive else sums.tax.amount)
    assert 0 <= sums.tax.amount <= sums.total.amount


@given(many_lines(), st.integers(1, 100))
def test_a_percentage_is_rounded_half_even_once_per_line(lines: list[Line], per_cent: int):
    terms = Terms(kind=Kind.PERCENTAGE, value=per_cent)
    exact = [Fraction(line.line_total.amount * per_cent, 100) for line in lines]
    assert [part.amount for part in discounts(terms, lines, "GBP")] == [round(part) for part in exact]


@given(many_lines(), st.integers(1, 50) | st.integers(1, 10**9))
def test_a_fixed_discount_is_allocated_fully_within_a_penny_of_each_share(lines: list[Line], value: int):
    eligible = sum(line.line_total.amount for line in lines)
    shares = [part.amount for part in discounts(Terms(kind=Kind.FIXED, value=gbp(value)), lines, "GBP")]
    allocated = min(value, eligible)
    assert sum(shares) == allocated
    for line, share in zip(lines, shares, strict=True):
        exact = Fraction(allocated * line.line_total.amount, eligible or 1)
        assert abs(share - exact) < 1
        assert 0 <= share <= line.line_total.amount


@given(st.lists(st.integers(0, 20), min_size=1, max_size=20), st.data())
@example([1, 1, 1], None)
def test_larger_remainders_get_the_extra_penny_and_earlier_lines_win_ties(weights: list[int], data: Any):
    total = sum(weights)
    amount = data.draw(st.integers(0, total)) if data else 2
    shares = allocate(amount, weights)
    extras = [share - amount * part // (total or 1) for share, part in zip(shares, weights, strict=True)]
    remainders = [(amount * part % (total or 1), -index) for index, part in enumerate(weights)]
    with_extra = [rank for rank, extra in zip(remainders, extras, strict=True) if extra]
    without_extra = [rank for rank, extra in zip(remainders, extras, strict=True) if not extra]
    assert {*extras} <= {0, 1}
    assert not with_extra or not without_extra or min(with_extra) > max(without_extra)


def test_allocation_examples():
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(5, [999, 1]) == [5, 0]
    assert allocate(10, [0, 5, 5]) == [0, 5, 5]
    assert allocate(0, [0, 0]) == [0, 0]


def test_a_percentage_of_half_pennies_is_rounded_to_the_even_penny():
    lines = [line(0, 5), line(1, 15), line(2, 25)]
    assert [part.amount for part in discounts(Terms(kind=Kind.PERCENTAGE, value=10), lines, "GBP")] == [
        0,
        2,
        2,
    ]


INELIGIBLE: list[tuple[Coupon | None, Cart, Reason]] = [
    (None, cart_of(product_data("A")), Reason.UNKNOWN),
    (coupon(starts_at=NOW + timedelta(seconds=1)), cart_of(product_data("A")), Reason.NOT_STARTED),
    (coupon(ends_at=NOW), cart_of(product_data("A")), Reason.ENDED),
    (coupon(min_subtotal=gbp(1001)), cart_of(product_data("A", 1000)), Reason.MINIMUM),
    (coupon(min_subtotal=gbp(0)), cart_of(), Reason.MINIMUM),
    (coupon(Kind.FIXED, gbp(5)), cart_of(product_data("E", currency="EUR"), currency="EUR"), Reason.CURRENCY),
    (
        coupon(min_subtotal=gbp(5)),
        cart_of(product_data("E", currency="EUR"), currency="EUR"),
        Reason.CURRENCY,
    ),
    (coupon(), cart_of(), Reason.NOTHING_ELIGIBLE),
    (coupon(Kind.FREE_SHIPPING, None, skus=["B"]), cart_of(product_data("A")), Reason.NOTHING_ELIGIBLE),
    (
        coupon(category_ids=["tea"]),
        cart_of(product_data("A", category_ids=["mugs"])),
        Reason.NOTHING_ELIGIBLE,
    ),
    (coupon(usage_limit=3, used=3), cart_of(product_data("A")), Reason.USED_UP),
    (coupon(per_user_limit=2), cart_of(product_data("A")), Reason.USED_BY_YOU),
]


@pytest.mark.parametrize(("stored", "cart", "reason"), INELIGIBLE)
def test_an_ineligible_coupon_gives_its_reason_and_no_discount(stored, cart: Cart, reason: Reason):
    effect = apply(cart, CouponState(stored, used_by_owner=2), NOW)
    assert effect.ineligible is not None
    assert effect.ineligible.reason == reason
    assert "SPRING" in effect.ineligible.detail
    assert (effect.coupon, effect.discount, effect.ships_free) == (None, 0, False)


def test_a_minimum_reports_the_amount_missing_from_the_carts_subtotal():
    cart = cart_of(product_data("A", 1000), product_data("B", 500))
    stored = coupon(skus=["A"], min_subtotal=gbp(2000))
    ineligible = ineligibility(cart, "SPRING", CouponState(stored), NOW)
    assert ineligible is not None
    assert ineligible.missing == pence(500)
    assert "£5.00" in ineligible.detail
    enough = apply(cart.add(product_data("B", 500), 1), CouponState(stored), NOW)
    assert [part.amount for part in enough.discounts] == [100, 0]


def test_a_coupon_applies_on_its_last_use_and_in_its_first_second():
    stored = coupon(
        usage_limit=3, used=2, per_user_limit=2, starts_at=NOW, ends_at=NOW + timedelta(seconds=1)
    )
    assert apply(cart_of(product_data("A", 1000)), CouponState(stored, used_by_owner=1), NOW).discount == 100


def test_lines_that_match_a_category_or_a_sku_are_eligible():
    stored = coupon(category_ids=["tea"], skus=["B"])
    cart = cart_of(
        product_data("A", 100, category_ids=["mugs", "tea"]), product_data("B", 200), product_data("C", 300)
    )
    assert [part.amount for part in apply(cart, CouponState(stored), NOW).discounts] == [10, 20, 0]


def test_a_coupon_without_amounts_applies_to_any_currency():
    cart = cart_of(product_data("E", 1000, currency="EUR"), currency="EUR")
    assert apply(cart, CouponState(coupon()), NOW).discounts == (Money(amount=100, currency="EUR"),)


def test_a_cart_without_a_coupon_has_no_discount_and_no_reason():
    effect = apply(cart_of(product_data("A"), coupon=None), CouponState(), NOW)
    assert (effect.discount, effect.ineligible, len(effect.discounts)) == (0, None, 1)


@pytest.mark.parametrize(
    ("text", "code"),
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
def test_codes_are_not_case_sensitive_and_stored_in_capitals(text: str, code: str | None):
    assert normalize_code(text) == code


@pytest.mark.parametrize(
    ("terms", "field"),
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
def test_invalid_terms_are_rejected_at_the_invalid_field(terms: dict, field: str):
    with pytest.raises(ValidationError) as refused:
        Terms.model_validate_json(json.dumps({"kind": "free_shipping"} | terms))
    assert [error["loc"][0] for error in refused.value.errors()] == [field]


def test_times_are_stored_in_utc():
    terms = Terms.model_validate_json('{"kind": "free_shipping", "ends_at": "2026-05-01T02:00:00+02:00"}')
    assert terms.ends_at == datetime(2026, 5, 1, tzinfo=UTC)
    assert '"2026-05-01T00:00:00Z"' in terms.model_dump_json()
