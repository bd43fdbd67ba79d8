"""The order and its parts, and how a change produces its next version."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, Self

from orders.domain.terms import Terms
from orders.domain.timeline import PUBLISHED, Entry, TimelineEvent, has_room
from orders.domain.transitions import (
    CANCELLED_OR_EXPIRED,
    OPEN,
    ReturnStatus,
    Status,
    Transition,
    next_status,
)
from shared.contracts.quotes import QuotedLine
from shared.contracts.reasons import CancelReason, RefundReason
from shared.values.money import Money

PENDING_FOR = timedelta(minutes=2)  # longer than any request can take to place an order
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no digit is mistaken for another


class PaymentTotals(NamedTuple):
    """The totals of a payment at its `version`, in minor units. `voided`: nothing more can be captured."""

    captured: int = 0
    refunded: int = 0
    version: int = 0
    voided: bool = False


class RefundKey(str):
    """The identity of a refund within its order. Rows and events store it as text, so its form must not
    change."""

    __slots__ = ()

    @classmethod
    def of_cancellation(cls) -> Self:
        return cls("cancel")

    @classmethod
    def of_late_payment(cls, payment_id: str) -> Self:
        """Return the key for a payment that the order cannot accept: too late, or of another amount."""
        return cls(f"{payment_id}:late")

    @classmethod
    def of_return(cls, return_id: str) -> Self:
        return cls(return_id)


class RefundDue(NamedTuple):
    """An amount of a payment to refund, at most what the payment captured. An authorized amount that was
    not captured is voided instead."""

    payment_id: str
    amount: Money
    reason: RefundReason


class Fulfilment(NamedTuple):
    """Shipped pieces by SKU; `at` is when they were shipped."""

    fulfilment_id: str
    pieces: Mapping[str, int]
    carrier: str | None
    tracking: str | None
    at: datetime


class Return(NamedTuple):
    """Returned pieces by SKU. `refund` is the refunded amount in minor units, 0 until the goods are
    received; `reason` is the customer's text."""

    return_id: str
    pieces: Mapping[str, int]
    reason: str
    at: datetime
    status: ReturnStatus = ReturnStatus.REQUESTED
    restock: bool = False
    refund: int = 0


class Invoice(NamedTuple):
    number: str
    issued_at: datetime


@dataclass(frozen=True)
class Order:
    """An order.

    `terms` is None until the order is placed, unless a retry could not derive the same terms again; see
    `was_placed`. `expires_at` is None if no deadline runs. `rejection` is the problem (RFC 9457) with
    which the placement failed. `refunds_due` is by refund, `payment_totals` by payment id. `redeemed` are the
    coupon counters that the order holds; `released` those that this change releases (not stored).
    `request_id` is the request that wrote this version.
    """

    order_id: str
    user_id: str
    status: Status
    version: int
    changed_at: datetime
    expires_at: datetime | None
    terms: Terms | None = None
    payment_id: str | None = None
    reason: CancelReason | None = None
    rejection: dict[str, Any] | None = None
    refunds_due: Mapping[RefundKey, RefundDue] = field(default_factory=dict)
    payment_totals: Mapping[str, PaymentTotals] = field(default_factory=dict)
    fulfilments: tuple[Fulfilment, ...] = ()
    returns: tuple[Return, ...] = ()
    invoice: Invoice | None = None
    redeemed: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    timeline: tuple[Entry, ...] = ()
    request_id: str | None = field(default=None, compare=False)

    @property
    def number(self) -> str:
        return number_of(self.order_id)

    @property
    def was_placed(self) -> bool:
        """Whether the order ever awaited payment. Any other order is hidden from its owner."""
        return self.has(TimelineEvent.PLACED)

    @property
    def was_paid(self) -> bool:
        return self.has(TimelineEvent.PAID)

    def has(self, kind: TimelineEvent) -> bool:
        """Return whether the timeline has an entry of this type."""
        return any(entry.type is kind for entry in self.timeline)

    @property
    def lines(self) -> tuple[QuotedLine, ...]:
        """The lines of a placed order; empty before."""
        return self.terms.lines if self.terms and self.was_placed else ()

    @property
    def agreed_terms(self) -> Terms:
        """The terms. Raises ValueError if there are none."""
        if self.terms is None:
            raise ValueError(f"{self.order_id} has no terms: it was not placed")
        return self.terms

    def totals_of(self, payment_id: str | None) -> PaymentTotals:
        """Return the payment's totals; zeros for an unknown payment."""
        return self.payment_totals.get(payment_id or "", PaymentTotals())

    @property
    def captured(self) -> int:
        """The captured amount of the order's payment, in minor units."""
        return self.totals_of(self.payment_id).captured

    @property
    def refunded(self) -> int:
        """The refunded amount of the order's payment, in minor units."""
        return self.totals_of(self.payment_id).refunded

    @property
    def amount_receivable(self) -> int:
        """The total that the order's payment brings, in minor units: the order's total, or if the payment was
        voided, the captured amount."""
        if self.payment_id is None:
            return 0
        return self.captured if self.totals_of(self.payment_id).voided else self.agreed_terms.total.amount

    @property
    def refundable(self) -> int:
        """The amount of the order's payment that is neither refunded nor due, in minor units."""
        due = sum(d.amount.amount for d in self.refunds_due.values() if d.payment_id == self.payment_id)
        return max(0, self.amount_receivable - max(due, self.refunded))

    def transitioned(self, transition: Transition, *entries: Entry, **changes: Any) -> "Order":
        """Return the order after the transition, with the entries added. Raises IllegalTransition."""
        status = next_status(self.status, transition)
        if status not in OPEN:
            changes["expires_at"] = None
        if status in CANCELLED_OR_EXPIRED:
            changes |= {"redeemed": (), "released": self.redeemed}
        return self.changed(*entries, status=status, **changes)

    def changed(self, *entries: Entry, **changes: Any) -> "Order":
        """Return the order's next version, with the entries added to the timeline."""
        return replace(
            self,
            version=self.version + 1,
            changed_at=entries[-1].at if entries else self.changed_at,
            timeline=(*self.timeline, *entries),
            **changes,
        )

    def with_notes(self, *entries: Entry) -> "Order":
        """Return the order with those entries for which there is room; the same order if there is none."""
        accepted = [entry for entry in entries if has_room(self.timeline, entry)]
        return self.changed(*accepted) if accepted else self

    def as_one_change(self, before: "Order") -> "Order":
        """Return the result of several changes to `before` as a single version; `before` if none was made."""
        return self if self is before else replace(self, version=before.version + 1)


class Period(NamedTuple):
    """A period of placement from `since` to `until`, both inclusive; None is unbounded."""

    since: datetime | None = None
    until: datetime | None = None


def number_of(order_id: str) -> str:
    """Return the order number that people use: 50 bits of the id's digest as ten base-32 digits.

    It is short and does not help to guess other orders' numbers.
    """
    bits = int.from_bytes(sha256(order_id.encode()).digest()[:7]) >> 6
    digits = "".join(_DIGITS[bits >> shift & 31] for shift in range(45, -1, -5))
    return f"{digits[:5]}-{digits[5:]}"


def published_entries(before: Order | None, after: Order) -> Iterator[tuple[int, Entry]]:
    """Yield the new entries that are published as events, each with its sequence number in the order.

    Sequence numbers count the order's published entries from 1 without a gap.
    """
    sequence = 0
    for position, entry in enumerate(after.timeline):
        if entry.type in PUBLISHED:
            sequence += 1
            if before is None or position >= len(before.timeline):
                yield sequence, entry
