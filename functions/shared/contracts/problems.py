"""Problems that cross services: one service raises them, another returns or inspects them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from shared.errors import Conflict, Invalid, InvalidMembers, Problem
from shared.values.money import Money

NEW_QUOTE = "Request a new quote with `POST /cart/quote`, show it to the shopper, and order with it."


class CartEmpty(Conflict):
    """The cart has no items."""

    advice = "Add items to the cart, then retry."


class ShortItem(TypedDict):
    """A line whose quantity is not in stock."""

    sku: Annotated[str, Field(description="The line's SKU.")]
    requested: Annotated[int, Field(description="The requested quantity.")]
    available: Annotated[int, Field(description="The quantity that can be ordered; 0 if it is sold out.")]


class RepricedItem(TypedDict):
    """A line whose price differs from the quoted one."""

    sku: Annotated[str, Field(description="The line's SKU.")]
    quoted: Annotated[Money, Field(description="The price of one piece in the quote.")]
    current: Annotated[Money, Field(description="The current price of one piece.")]


class OutOfStockMembers(TypedDict):
    """The lines that exceed the stock, and the lines whose price changed at the same time."""

    items: Annotated[list[ShortItem], Field(description="Every line that exceeds the stock.")]
    prices: NotRequired[
        Annotated[list[RepricedItem], Field(description="The lines whose price changed too.")]
    ]


class OutOfStock(Conflict):
    """Some lines exceed the stock."""

    advice = "Reduce the quantities to `available`, then request a new quote."
    members = OutOfStockMembers


class PriceChangedMembers(TypedDict):
    """The lines whose price differs from the quoted one."""

    items: Annotated[list[RepricedItem], Field(description="Every line whose price changed.")]


class PriceChanged(Conflict):
    """Some prices differ from the quote."""

    advice = NEW_QUOTE
    members = PriceChangedMembers


class ReservationReleased(Conflict):
    """The order was cancelled or expired before its stock was reserved."""

    advice = NEW_QUOTE


class QuoteExpired(Conflict):
    """The quote is older than 15 minutes."""

    advice = NEW_QUOTE


class CouponNotApplicableMembers(InvalidMembers):
    """The reason why a coupon does not apply."""

    reason: Annotated[str, Field(description="A code, such as `unknown`, `ended`, `minimum` or `used_up`.")]
    missing: NotRequired[
        Annotated[Money, Field(description="For `minimum`: the amount missing from the minimum subtotal.")]
    ]


class CouponNotApplicable(Invalid):
    """The cart does not qualify for the coupon."""

    advice = "Show the reason to the shopper, or leave the coupon out."
    members = CouponNotApplicableMembers


class ChangedDiscount(TypedDict):
    """The discount of the quote and the current one."""

    quoted: Annotated[Money, Field(description="The discount in the quote.")]
    current: Annotated[Money, Field(description="The discount without the coupon.")]


class CouponExhaustedMembers(TypedDict):
    """The coupon that reached its limit."""

    reason: Annotated[
        Literal["used_up", "used_by_you"],
        Field(description="`used_up`: the limit of all shoppers; `used_by_you`: the limit of one shopper."),
    ]
    coupon: Annotated[str, Field(description="The coupon's code.")]
    discount: Annotated[ChangedDiscount, Field(description="The change of the discount.")]


class CouponExhausted(Conflict):
    """The coupon reached its limit between the quote and the order."""

    slug = "coupon-not-applicable"
    advice = "Remove the coupon from the cart, request a new quote and show it to the shopper."
    members = CouponExhaustedMembers


class ForwardedProblem(Problem):
    """A problem of another service, returned with its own type, status and members."""

    def __init__(self, problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        standard = {"type", "title", "status", "detail", "request_id"}
        extra = {name: value for name, value in problem.items() if name not in standard}
        super().__init__(str(problem["detail"]), headers=headers, **extra)
        self.slug = str(problem["type"]).removeprefix("/problems/")
        self.status = int(problem["status"])
