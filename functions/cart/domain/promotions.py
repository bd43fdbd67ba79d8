"""Coupons: for whom and what they are good, why one does not apply, what each line gets of one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    BaseModel,
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
from shared.values.money import Money, Price, half_even
from shared.values.money_format import format_money
from shared.values.timestamps import Timestamp

MAX_NAMED = 100  # categories, or SKUs: a page of the largest coupons stays far from what Lambda may answer
_CODE = re.compile(r"[A-Z0-9_-]{3,40}")


class Kind(StrEnum):
    PERCENTAGE = "percentage"
    FIXED = "fixed"
    FREE_SHIPPING = "free_shipping"


class Reason(StrEnum):
    """Why a coupon does not apply, in the order in which they are looked for."""

    UNKNOWN = "unknown"
    NOT_STARTED = "not_started"
    ENDED = "ended"
    CURRENCY = "currency"
    MINIMUM = "minimum"
    NOTHING_ELIGIBLE = "nothing_eligible"
    USED_UP = "used_up"
    USED_BY_YOU = "used_by_you"


def _in_words(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        # A union's own findings name its members, which are no places in the request.
        raise ValueError("percentage takes a whole per cent, fixed takes money") from None


Limit = Annotated[int, Field(ge=1, le=10**9)]
CategoryId = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Terms(BaseModel):
    """What a coupon gives, and to whom. It is good from `starts_at` until before `ends_at`.

    `value` is a whole per cent (`percentage`), money (`fixed`), or nothing (`free_shipping`). `min_subtotal`
    is asked of the whole cart. With `category_ids` or `skus` it is for lines that are in either.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True
    )

    kind: Kind
    value: Annotated[int | Price | None, WrapValidator(_in_words), Field(validate_default=True)] = None
    min_subtotal: Price | None = None
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None
    usage_limit: Limit | None = None
    per_user_limit: Limit | None = None
    category_ids: Annotated[list[CategoryId], Field(max_length=MAX_NAMED)] = []
    skus: Annotated[list[Sku], Field(max_length=MAX_NAMED)] = []

    @field_validator("value")
    @classmethod
    def _fits_the_kind(cls, value: int | Price | None, info: ValidationInfo) -> int | Price | None:
        kind = info.data.get("kind")
        if kind is Kind.PERCENTAGE and not (isinstance(value, int) and 1 <= value <= 100):
            raise ValueError("a percentage is a whole per cent from 1 to 100")
        if kind is Kind.FIXED and not (isinstance(value, Price) and value.amount > 0):
            raise ValueError("fixed takes money above zero")
        if kind is Kind.FREE_SHIPPING and value is not None:
            raise ValueError("free_shipping takes no value")
        return value

    @field_validator("min_subtotal")
    @classmethod
    def _one_currency(cls, minimum: Price | None, info: ValidationInfo) -> Price | None:
        value = info.data.get("value")
        if minimum and isinstance(value, Price) and value.currency != minimum.currency:
            raise ValueError("value and min_subtotal are in one currency")
        return minimum

    @field_validator("ends_at")
    @classmethod
    def _after_it_starts(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        starts_at = info.data.get("starts_at")
        if ends_at and starts_at and ends_at <= starts_at:
            raise ValueError("a coupon ends after it starts")
        return ends_at

    @property
    def currency(self) -> str | None:
        """The currency it is bound to; None for any."""
        money = self.value if isinstance(self.value, Price) else self.min_subtotal
        return money.currency if money else None

    @property
    def limits(self) -> CouponLimits | None:
        if self.usage_limit is None and self.per_user_limit is None:
            return None
        return CouponLimits(overall=self.usage_limit, per_user=self.per_user_limit)

    def is_for(self, line: Line) -> bool:
        if not self.category_ids and not self.skus:
            return True
        return line.sku in self.skus or not {*self.category_ids}.isdisjoint(line.category_ids)


@dataclass(frozen=True)
class Coupon:
    """A coupon as it is kept; `used` is how often orders hold it, as far as was heard."""

    code: str
    terms: Terms
    version: int
    used: int = 0


@dataclass(frozen=True)
class Held:
    """What is known of a cart's coupon (None: there is none such), and how often its shopper used it."""

    coupon: Coupon | None = None
    used_by_owner: int = 0


@dataclass(frozen=True)
class Refusal:
    """Why a coupon does not apply, as a code and in words."""

    reason: Reason
    words: str
    missing: Money | None = None

    def error(self) -> CouponNotApplicable:
        extra = {"missing": self.missing.model_dump()} if self.missing else {}
        return CouponNotApplicable(
            self.words, reason=self.reason.value, errors=[{"pointer": "/code", "detail": self.words}], **extra
        )


@dataclass(frozen=True)
class Applied:
    """What a cart's coupon does: a discount for each line, in their order, and perhaps delivery for nothing.

    `coupon` is None where the cart has none or it does not apply; then `refusal` says why.
    """

    discounts: tuple[Money, ...]
    coupon: Coupon | None = None
    refusal: Refusal | None = None

    @property
    def discount(self) -> int:
        """Of all lines, in minor units."""
        return sum(part.amount for part in self.discounts)

    @property
    def ships_free(self) -> bool:
        return self.coupon is not None and self.coupon.terms.kind is Kind.FREE_SHIPPING


def code_of(written: str) -> str | None:
    """The code as it is kept, in capitals; None where nothing is called so."""
    code = written.upper() if written.isascii() else ""
    return code if _CODE.fullmatch(code) else None


def apply(cart: Cart, held: Held, now: datetime) -> Applied:
    """What the cart's coupon does to it at this moment."""
    nothing = tuple(Money.zero(cart.currency) for _ in cart.lines)
    if cart.coupon is None:
        return Applied(nothing)
    refusal = why_not(cart, cart.coupon, held, now)
    if refusal or held.coupon is None:
        return Applied(nothing, refusal=refusal)
    return Applied(discounts(held.coupon.terms, [*cart.lines.values()], cart.currency), held.coupon)


def why_not(cart: Cart, code: str, held: Held, now: datetime) -> Refusal | None:
    """Why the coupon does not apply to the cart at this moment; None where it does."""
    coupon = held.coupon
    if coupon is None:
        return Refusal(Reason.UNKNOWN, f"There is no coupon {code}.")
    terms = coupon.terms
    if terms.starts_at and now < terms.starts_at:
        return Refusal(Reason.NOT_STARTED, f"{code} is good from {_day(terms.starts_at)} on.")
    if terms.ends_at and now >= terms.ends_at:
        return Refusal(Reason.ENDED, f"{code} was good until {_day(terms.ends_at)}.")
    # An empty cart has no currency yet, whatever it shows.
    if cart.lines and terms.currency and terms.currency != cart.currency:
        return Refusal(
            Reason.CURRENCY, f"{code} is for carts in {terms.currency}, this is in {cart.currency}."
        )
    minimum = terms.min_subtotal
    if minimum and (not cart.lines or cart.subtotal.amount < minimum.amount):
        missing = minimum - cart.subtotal if cart.lines else minimum
        words = f"{code} is for carts of {format_money(minimum)} or more: {format_money(missing)} is missing."
        return Refusal(Reason.MINIMUM, words, missing)
    if not any(terms.is_for(line) for line in cart.lines.values()):
        return Refusal(Reason.NOTHING_ELIGIBLE, f"Empty in the cart is what {code} is for.")
    if terms.usage_limit is not None and coupon.used >= terms.usage_limit:
        return Refusal(Reason.USED_UP, f"{code} was used as often as it may be.")
    if terms.per_user_limit is not None and held.used_by_owner >= terms.per_user_limit:
        return Refusal(Reason.USED_BY_YOU, f"You used {code} as often as you may.")
    return None


def discounts(terms: Terms, lines: Sequence[Line], currency: str) -> tuple[Money, ...]:
    """What each line gets: a per cent of it, rounded once, or its share of a fixed amount."""
    eligible = [line.line_total.amount if terms.is_for(line) else 0 for line in lines]
    if isinstance(terms.value, int):
        shares = [half_even(amount * terms.value, 100) for amount in eligible]
    elif isinstance(terms.value, Price):
        shares = spread(min(terms.value.amount, sum(eligible)), eligible)
    else:
        shares = [0 for _ in eligible]
    return tuple(Money(amount=share, currency=currency) for share in shares)


def spread(amount: int, over: Sequence[int]) -> list[int]:
    """The amount in proportion to `over`, by largest remainder: it adds up, ties go to whoever comes first.

    No share is above its part as long as the amount is not above their sum.
    """
    whole = sum(over)
    if whole == 0:
        return [0 for _ in over]
    shares = [amount * part // whole for part in over]
    by_remainder = sorted(range(len(over)), key=lambda place: -(amount * over[place] % whole))
    for place in by_remainder[: amount - sum(shares)]:
        shares[place] += 1
    return shares


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
