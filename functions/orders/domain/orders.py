"""An order and the moves it can make: placed, paid, given up, and what each leaves on its timeline."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from orders.domain.moves import GIVEN_UP, OPEN, Move, ReturnStatus, Status, target
from orders.domain.terms import Terms
from shared.money import Money
from shared.quotes import QuotedLine

PENDING_FOR = timedelta(minutes=2)  # longer than any request may take to place an order
MAX_DECLINES = 50  # so many failed payments are noted: the row must have room for the one that succeeds
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none that is read as another


class Happening(StrEnum):
    """What stands on a timeline."""

    PLACED = "order.placed"
    REFUSED = "order.refused"
    PAID = "order.paid"
    INVOICED = "order.invoiced"
    CANCELLED = "order.cancelled"
    EXPIRED = "order.expired"
    SHIPPED = "order.shipped"
    DELIVERED = "order.delivered"
    RETURN_REQUESTED = "return.requested"
    RETURN_APPROVED = "return.approved"
    RETURN_REJECTED = "return.rejected"
    RETURN_RECEIVED = "return.received"
    PAYMENT_FAILED = "payment.failed"
    REFUND_DUE = "refund.due"
    REFUNDED = "order.refunded"
    MONEY_BACK = "refund.made"


H = Happening
# What others hear of; the rest is the order's own affair.
ANNOUNCED = frozenset(
    {
        H.PLACED,
        H.PAID,
        H.INVOICED,
        H.REFUSED,
        H.CANCELLED,
        H.EXPIRED,
        H.SHIPPED,
        H.DELIVERED,
        H.RETURN_APPROVED,
        H.RETURN_REJECTED,
        H.RETURN_RECEIVED,
        H.REFUND_DUE,
    }
)


@dataclass(frozen=True)
class Entry:
    """One line of an order's timeline. `actor`: a user's id, `system`, or `stripe`; `ref`: what it is about
    (a fulfilment, a return, a refund, a request), for ourselves."""

    at: datetime
    type: Happening
    actor: str
    detail: str = ""
    ref: str = ""


@dataclass(frozen=True)
class RefundDue:
    """Money of a payment that this order must not keep."""

    payment_id: str
    amount: Money
    reason: str


@dataclass(frozen=True)
class Fulfilment:
    """A parcel: so many pieces of each SKU, on their way since `at`."""

    fulfilment_id: str
    pieces: Mapping[str, int]
    carrier: str | None
    tracking: str | None
    at: datetime


@dataclass(frozen=True)
class Return:
    """Goods that a customer sends back. `refund` is what they brought, in minor units, once received."""

    return_id: str
    pieces: Mapping[str, int]
    reason: str
    at: datetime
    status: ReturnStatus = ReturnStatus.REQUESTED
    restock: bool = False
    refund: int = 0


@dataclass(frozen=True)
class Invoice:
    number: str
    issued_at: datetime


@dataclass(frozen=True)
class Order:
    """An order. `terms` are None until it is placed, or kept from the start where a retry could not make
    them again: `was_placed` tells. `expires_at` is None once no deadline runs.

    `refusal` is the problem that placing it met with; `refunds_due` says by key what must go back of which
    payment; `given_back` what of which payment did, in minor units. `redeemed` names the counters of its
    coupon that it holds one of; `released` those that it lets go of with this very change.
    """

    order_id: str
    user_id: str
    status: Status
    version: int
    changed_at: datetime
    expires_at: datetime | None
    terms: Terms | None = None
    payment_id: str | None = None
    reason: str | None = None
    refusal: dict[str, Any] | None = None
    refunds_due: Mapping[str, RefundDue] = field(default_factory=dict)
    given_back: Mapping[str, int] = field(default_factory=dict)
    fulfilments: tuple[Fulfilment, ...] = ()
    returns: tuple[Return, ...] = ()
    invoice: Invoice | None = None
    redeemed: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    timeline: tuple[Entry, ...] = ()

    @property
    def number(self) -> str:
        """What people call the order by: short, and no way to guess another's."""
        return number_of(self.order_id)

    @property
    def was_placed(self) -> bool:
        """Whether it ever waited for its payment. One that did not was never an order to its owner."""
        return self.has(H.PLACED)

    @property
    def was_paid(self) -> bool:
        return self.has(H.PAID)

    def has(self, kind: Happening) -> bool:
        return any(entry.type is kind for entry in self.timeline)

    @property
    def lines(self) -> tuple[QuotedLine, ...]:
        """Of an order that was placed; none before."""
        return self.terms.lines if self.terms and self.was_placed else ()

    @property
    def agreed(self) -> Terms:
        """The terms of an order that was placed."""
        if self.terms is None:
            raise ValueError(f"{self.order_id} has not been placed")
        return self.terms

    @property
    def refunded(self) -> int:
        """What went back of the payment that it was paid with, in minor units."""
        return self.given_back.get(self.payment_id or "", 0)

    @property
    def left_to_refund(self) -> int:
        """What of its payment is neither back nor due to go back, in minor units."""
        if self.payment_id is None:
            return 0
        due = sum(d.amount.amount for d in self.refunds_due.values() if d.payment_id == self.payment_id)
        return max(0, self.agreed.total.amount - max(due, self.refunded))

    def moved(self, move: Move, *entries: Entry, **changes: Any) -> "Order":
        """The order after the move and what it leaves behind. Raises IllegalTransition."""
        status = target(self.status, move)
        if status not in OPEN:
            changes["expires_at"] = None
        if status in GIVEN_UP:
            changes |= {"redeemed": (), "released": self.redeemed}
        return self.changed(*entries, status=status, **changes)

    def changed(self, *entries: Entry, **changes: Any) -> "Order":
        """The order's next version, with these new lines on its timeline."""
        return replace(
            self,
            version=self.version + 1,
            changed_at=entries[-1].at,
            timeline=(*self.timeline, *entries),
            **changes,
        )


@dataclass(frozen=True)
class Period:
    """Placed from `since` to `until`, both included, either open."""

    since: datetime | None = None
    until: datetime | None = None


def number_of(order_id: str) -> str:
    """Ten of Crockford's 32 digits, of the id's digest: 50 bits that say nothing of other orders."""
    bits = int.from_bytes(sha256(order_id.encode()).digest()[:7]) >> 6
    digits = "".join(_DIGITS[bits >> shift & 31] for shift in range(45, -1, -5))
    return f"{digits[:5]}-{digits[5:]}"


def announced(before: Order | None, after: Order) -> Iterator[tuple[int, Entry]]:
    """What others hear of a change: each new line of the timeline that concerns them, with its place among
    all that the order ever said, counted from 1 without a gap."""
    said = 0
    for position, entry in enumerate(after.timeline):
        if entry.type in ANNOUNCED:
            said += 1
            if before is None or position >= len(before.timeline):
                yield said, entry
