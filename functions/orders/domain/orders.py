"""An order and the moves it can make: placed, paid, given up, and what each leaves on its timeline."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from orders.domain.terms import Terms
from orders.domain.timeline import PUBLISHED, Entry, TimelineEvent, has_room
from orders.domain.transitions import CANCELLED_OR_EXPIRED, OPEN, ReturnStatus, Status, Transition, target
from shared.contracts.quotes import QuotedLine
from shared.values.money import Money

PENDING_FOR = timedelta(minutes=2)  # longer than any request may take to place an order
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none that is read as another


@dataclass(frozen=True)
class PaymentTotals:
    """What was heard of a payment: what came in by it and what went back, in minor units, as of its
    `version`. `let_go`: nothing is held any more, so nothing further comes in."""

    captured: int = 0
    refunded: int = 0
    version: int = 0
    voided: bool = False


@dataclass(frozen=True)
class RefundDue:
    """Money of a payment that this order must not keep: at most so much of what came in by it. Of what was
    only held nothing need go back: letting go of it is enough."""

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
    payment; `accounts` what was heard of each. `redeemed` names the counters of its coupon that it holds one
    of; `released` those that it lets go of with this very change.
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
    rejection: dict[str, Any] | None = None
    refunds_due: Mapping[str, RefundDue] = field(default_factory=dict)
    payment_totals: Mapping[str, PaymentTotals] = field(default_factory=dict)
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
        return self.has(TimelineEvent.PLACED)

    @property
    def was_paid(self) -> bool:
        return self.has(TimelineEvent.PAID)

    def has(self, kind: TimelineEvent) -> bool:
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

    def totals_of(self, payment_id: str | None) -> PaymentTotals:
        """What was heard of the payment; nothing of one that is not known."""
        return self.payment_totals.get(payment_id or "", PaymentTotals())

    @property
    def captured(self) -> int:
        """What came in by the payment that it was paid with, in minor units."""
        return self.totals_of(self.payment_id).captured

    @property
    def refunded(self) -> int:
        """What went back of the payment that it was paid with, in minor units."""
        return self.totals_of(self.payment_id).refunded

    @property
    def amount_receivable(self) -> int:
        """What its payment brings in all, in minor units: the total, unless the rest was let go of."""
        if self.payment_id is None:
            return 0
        return self.captured if self.totals_of(self.payment_id).voided else self.agreed.total.amount

    @property
    def refundable(self) -> int:
        """What of its payment is neither back nor due to go back, in minor units."""
        due = sum(d.amount.amount for d in self.refunds_due.values() if d.payment_id == self.payment_id)
        return max(0, self.amount_receivable - max(due, self.refunded))

    def transitioned(self, move: Transition, *entries: Entry, **changes: Any) -> "Order":
        """The order after the move and what it leaves behind. Raises IllegalTransition."""
        status = target(self.status, move)
        if status not in OPEN:
            changes["expires_at"] = None
        if status in CANCELLED_OR_EXPIRED:
            changes |= {"redeemed": (), "released": self.redeemed}
        return self.changed(*entries, status=status, **changes)

    def changed(self, *entries: Entry, **changes: Any) -> "Order":
        """The order's next version, with these new lines on its timeline."""
        return replace(
            self,
            version=self.version + 1,
            changed_at=entries[-1].at if entries else self.changed_at,
            timeline=(*self.timeline, *entries),
            **changes,
        )

    def with_notes(self, *entries: Entry) -> "Order":
        """The order with these lines where there is room for them; itself where there is none."""
        room = [entry for entry in entries if has_room(self.timeline, entry)]
        return self.changed(*room) if room else self

    def after(self, before: "Order") -> "Order":
        """What several steps made of `before` as one change, one write; `before` itself where none did."""
        return self if self is before else replace(self, version=before.version + 1)


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


def published_entries(before: Order | None, after: Order) -> Iterator[tuple[int, Entry]]:
    """What others hear of a change: each new line of the timeline that concerns them, with its place among
    all that the order ever said, counted from 1 without a gap."""
    said = 0
    for position, entry in enumerate(after.timeline):
        if entry.type in PUBLISHED:
            said += 1
            if before is None or position >= len(before.timeline):
                yield said, entry
