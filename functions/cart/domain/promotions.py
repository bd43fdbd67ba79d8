"""Coupons: their terms, whether one applies to a cart, and the discount of each line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)

from cart.domain.carts import Cart, Line
from shared.contracts.problems import CouponNotApplicable
from shared.contracts.quotes import CouponLimits, Sku
from shared.models import Model
from shared.values.money import Money, Price, half_even
from shared.values.money_format import format_money
from shared.values.timestamps import Timestamp

# categories, and SKUs, per coupon; a page of the largest coupons stays well below Lambda's 6 MB
MAX_TARGETS = 100
_CODE = re.compile(r"[A-Z0-9_-]{3,40}")


class Kind(StrEnum):
    """What a coupon reduces: the prices by a percentage or an amount, or the shipping."""

    PERCENTAGE = "percentage"
    FIXED = "fixed"
    FREE_SHIPPING = "free_shipping"


class Reason(StrEnum):
    """The reasons why a coupon does not apply, in the order of the checks."""

    UNKNOWN = "unknown"
    NOT_STARTED = "not_started"
    ENDED = "ended"
    CURRENCY = "currency"
    MINIMUM = "minimum"
    NOTHING_ELIGIBLE = "nothing_eligible"
    USED_UP = "used_up"
    USED_BY_YOU = "used_by_you"


def _one_message(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        # A union reports one error per member, located by the member's name instead of a JSON path.
        raise ValueError("send an integer for percentage, or money for fixed") from None


Limit = Annotated[int, Field(ge=1, le=10**9)]
CategoryId = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Terms(Model):
    """A coupon's discount and conditions. It is valid from `starts_at` until before `ends_at`.

    `value` is a whole percentage (`percentage`), money (`fixed`), or absent (`free_shipping`).
    `min_subtotal` applies to the whole cart. With `category_ids` or `skus`, the coupon applies to lines that
    match either.
    """

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    kind: Kind
    value: Annotated[int | Price | None, WrapValidator(_one_message), Field(validate_default=True)] = None
    min_subtotal: Price | None = None
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None
    usage_limit: Limit | None = None
    per_user_limit: Limit | None = None
    category_ids: Annotated[list[CategoryId], Field(max_length=MAX_TARGETS)] = []  # noqa: RUF012 - pydantic copies it
    skus: Annotated[list[Sku], Field(max_length=MAX_TARGETS)] = []  # noqa: RUF012 - pydantic copies it

    @field_validator("value")
    @classmethod
    def _fits_the_kind(cls, value: int | Price | None, info: ValidationInfo) -> int | Price | None:
        kind = info.data.get("kind")
        if kind is Kind.PERCENTAGE and not (isinstance(value, int) and 1 <= value <= 100):
            raise ValueError("percentage requires an integer from 1 to 100")
        if kind is Kind.FIXED and not (isinstance(value, Price) and value.amount > 0):
            raise ValueError("fixed requires an amount above zero")
        if kind is Kind.FREE_SHIPPING and value is not None:
            raise ValueError("free_shipping accepts no value")
        return value

    @field_validator("min_subtotal")
    @classmethod
    def _one_currency(cls, minimum: Price | None, info: ValidationInfo) -> Price | None:
        value = info.data.get("value")
        if minimum and isinstance(value, Price) and value.currency != minimum.currency:
            raise ValueError("value and min_subtotal must have the same currency")
        return minimum

    @field_validator("ends_at")
    @classmethod
    def _after_it_starts(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        starts_at = info.data.get("starts_at")
        if ends_at and starts_at and ends_at <= starts_at:
            raise ValueError("ends_at must be after starts_at")
        return ends_at

    @property
    def currency(self) -> str | None:
        """Return the currency of the coupon's amounts; None if it has none and so applies to any currency."""
        money = self.value if isinstance(self.value, Price) else self.min_subtotal
        return money.currency if money else None

    @property
    def limits(self) -> CouponLimits | None:
        if self.usage_limit is None and self.per_user_limit is None:
            return None
        return CouponLimits(overall=self.usage_limit, per_user=self.per_user_limit)

    def applies_to(self, line: Line) -> bool:
        if not self.category_ids and not self.skus:
            return True
        return line.sku in self.skus or not {*self.category_ids}.isdisjoint(line.category_ids)


@dataclass(frozen=True)
class Coupon:
    """A stored coupon. `used` is the number of orders that use it, as far as their events have arrived."""

    code: str
    terms: Terms
    version: int
    used: int = 0


@dataclass(frozen=True)
class CouponState:
    """The cart's coupon, None if it does not exist, and the number of its uses by the cart's owner."""

    coupon: Coupon | None = None
    used_by_owner: int = 0


@dataclass(frozen=True)
class Ineligible:
    """The reason why a coupon does not apply. `missing` is the difference to the minimum subtotal."""

    reason: Reason
    detail: str
    missing: Money | None = None

    def problem(self) -> CouponNotApplicable:
        extra = {"missing": self.missing.model_dump()} if self.missing else {}
        return CouponNotApplicable(
            self.detail,
            reason=self.reason.value,
            errors=[{"pointer": "/code", "detail": self.detail}],
            **extra,
        )


@dataclass(frozen=True)
class CouponEffect:
    """The effect of the cart's coupon: a discount per line, in the order of the lines, or free shipping.

    `coupon` is None if the cart has none or it does not apply; `ineligible` gives the reason.
    """

    discounts: tuple[Money, ...]
    coupon: Coupon | None = None
    ineligible: Ineligible | None = None

    @property
    def discount(self) -> int:
        """Return the discount of all lines in minor units."""
        return sum(part.amount for part in self.discounts)

    @property
    def ships_free(self) -> bool:
        return self.coupon is not None and self.coupon.terms.kind is Kind.FREE_SHIPPING


def normalize_code(text: str) -> str | None:
    """Return the code in capitals, as it is stored; None if the text cannot be a code."""
    code = text.upper() if text.isascii() else ""
    return code if _CODE.fullmatch(code) else None


def apply(cart: Cart, state: CouponState, now: datetime) -> CouponEffect:
    """Return the effect of the cart's coupon at this time."""
    no_discounts = tuple(Money.zero(cart.currency) for _ in cart.lines)
    if cart.coupon is None:
        return CouponEffect(no_discounts)
    ineligible = ineligibility(cart, cart.coupon, state, now)
    if ineligible or state.coupon is None:
        return CouponEffect(no_discounts, ineligible=ineligible)
    return CouponEffect(discounts(state.coupon.terms, [*cart.lines.values()], cart.currency), state.coupon)


def ineligibility(cart: Cart, code: str, state: CouponState, now: datetime) -> Ineligible | None:
    """Return why the coupon does not apply to the cart at this time; None if it applies."""
    coupon = state.coupon
    if coupon is None:
        return Ineligible(Reason.UNKNOWN, f"The coupon {code} does not exist.")
    terms = coupon.terms
    if terms.starts_at and now < terms.starts_at:
        return Ineligible(Reason.NOT_STARTED, f"{code} is valid from {_utc(terms.starts_at)}.")
    if terms.ends_at and now >= terms.ends_at:
        return Ineligible(Reason.ENDED, f"{code} was valid until {_utc(terms.ends_at)}.")
    # An empty cart's currency is only a default.
    if cart.lines and terms.currency and terms.currency != cart.currency:
        detail = f"{code} applies to carts in {terms.currency}; this cart is in {cart.currency}."
        return Ineligible(Reason.CURRENCY, detail)
    minimum = terms.min_subtotal
    if minimum and (not cart.lines or cart.subtotal.amount < minimum.amount):
        missing = minimum - cart.subtotal if cart.lines else minimum
        detail = f"{code} requires a subtotal of {format_money(minimum)}; {format_money(missing)} is missing."
        return Ineligible(Reason.MINIMUM, detail, missing)
    if not any(terms.applies_to(line) for line in cart.lines.values()):
        return Ineligible(Reason.NOTHING_ELIGIBLE, f"The cart has no product to which {code} applies.")
    if terms.usage_limit is not None and coupon.used >= terms.usage_limit:
        return Ineligible(Reason.USED_UP, f"{code} has reached its usage limit.")
    if terms.per_user_limit is not None and state.used_by_owner >= terms.per_user_limit:
        return Ineligible(Reason.USED_BY_YOU, f"You have used {code} as often as allowed.")
    return None


def discounts(terms: Terms, lines: Sequence[Line], currency: str) -> tuple[Money, ...]:
    """Return each line's discount: a percentage of it, rounded half-even once, or its share of the amount."""
    eligible = [line.line_total.amount if terms.applies_to(line) else 0 for line in lines]
    if isinstance(terms.value, int):
        shares = [half_even(amount * terms.value, 100) for amount in eligible]
    elif isinstance(terms.value, Price):
        shares = allocate(min(terms.value.amount, sum(eligible)), eligible)
    else:
        shares = [0 for _ in eligible]
    return tuple(Money(amount=share, currency=currency) for share in shares)


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split the amount in proportion to the weights, by largest remainder; earlier weights win ties.

    The shares add up to the amount. No share exceeds its weight if the amount does not exceed their sum.
    """
    total = sum(weights)
    if total == 0:
        return [0 for _ in weights]
    shares = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -(amount * weights[index] % total))
    for index in by_remainder[: amount - sum(shares)]:
        shares[index] += 1
    return shares


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
