"""What placing an order may be answered instead of an order."""

from collections.abc import Mapping
from typing import Any

from shared.errors import Conflict, ShopError


class ReservationReleased(Conflict):
    """The order was given up while it was being placed."""


class CouponNotApplicable(Conflict):
    """The coupon was redeemed as often as it may be; `reason` is `used_up` or `used_by_you`."""


class PassedOn(ShopError):
    """A neighbour's refusal as our own answer: its type, status and particulars as they were."""

    def __init__(self, problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        told = {"type", "title", "status", "detail", "request_id"}
        extra = {name: value for name, value in problem.items() if name not in told}
        super().__init__(str(problem["detail"]), headers=headers, **extra)
        self.problem = problem

    @property
    def slug(self) -> str:
        return str(self.problem["type"]).removeprefix("/problems/")

    @property
    def status(self) -> int:
        return int(self.problem["status"])


class NotYetPlaced(Exception):
    """News that is ahead of us: the order is still being placed. Try again."""
