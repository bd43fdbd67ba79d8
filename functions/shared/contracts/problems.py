"""Problems that cross services: one service raises them, another returns or inspects them."""

from collections.abc import Mapping
from typing import Any

from shared.errors import Conflict, Invalid, Problem


class CartEmpty(Conflict):
    """The cart has no items that can be priced."""


class OutOfStock(Conflict):
    """Some lines exceed the stock: `items: [{sku, requested, available}]`; `prices` if prices changed too."""


class PriceChanged(Conflict):
    """Some prices differ from the quote: `items: [{sku, quoted, current}]`."""


class ReservationReleased(Conflict):
    """The order was cancelled before its stock was reserved."""


class QuoteExpired(Conflict):
    """The quote is older than its lifetime."""


class CouponNotApplicable(Invalid):
    """The cart does not qualify for the coupon: `reason` says why, `missing` is the amount missing
    from the minimum subtotal."""


class CouponExhausted(Conflict):
    """The coupon reached its limit when the order was placed: `reason` is `used_up` or `used_by_you`."""

    slug = "coupon-not-applicable"


class ForwardedProblem(Problem):
    """A problem of another service, returned with its own type, status and members."""

    def __init__(self, problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        standard = {"type", "title", "status", "detail", "request_id"}
        extra = {name: value for name, value in problem.items() if name not in standard}
        super().__init__(str(problem["detail"]), headers=headers, **extra)
        self.slug = str(problem["type"]).removeprefix("/problems/")
        self.status = int(problem["status"])
