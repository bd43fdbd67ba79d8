"""The rules of an order: which moves are legal, what each changes, and what a quote must add up to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.errors import Conflict, ShopError, invalid
from shared.money import Money
from shared.quotes import Quote, QuotedLine, ShippingAddress

PENDING_FOR = timedelta(minutes=2)  # longer than any request may take to place an order
QUOTE_PREFIX = "quo_"
PLACED = "order.placed"
MAX_DECLINES = (
    50  # as many failed payments are noted: the row must always have room for the one that succeeds
)
MAX_BYTES = 240_000  # what is told of an order must fit a message of SNS: 256 KiB


class Status(StrEnum):
    PENDING = "pending"
    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"


class Move(StrEnum):
    PLACE = "place"
    REFUSE = "refuse"
    PAY = "pay"
    CANCEL = "cancel"
    EXPIRE = "expire"
    SHIP_PART = "ship_part"
    SHIP = "ship"
    DELIVER = "deliver"
    REFUND = "refund"


S, M = Status, Move
# Every legal move; any other is refused.
MOVES: Mapping[Status, Mapping[Move, Status]] = {
    S.PENDING: {
        M.PLACE: S.AWAITING_PAYMENT,
        M.REFUSE: S.CANCELLED,
        M.CANCEL: S.CANCELLED,
        M.EXPIRE: S.EXPIRED,
    },
    S.AWAITING_PAYMENT: {M.PAY: S.PAID, M.CANCEL: S.CANCELLED, M.EXPIRE: S.EXPIRED},
    S.PAID: {
        M.SHIP_PART: S.PARTIALLY_SHIPPED,
        M.SHIP: S.SHIPPED,
        M.CANCEL: S.CANCELLED,
        M.REFUND: S.REFUNDED,
    },
    S.PARTIALLY_SHIPPED: {M.SHIP_PART: S.PARTIALLY_SHIPPED, M.SHIP: S.SHIPPED, M.REFUND: S.REFUNDED},
    S.SHIPPED: {M.DELIVER: S.DELIVERED, M.REFUND: S.REFUNDED},
    S.DELIVERED: {M.REFUND: S.REFUNDED},
    S.CANCELLED: {},
    S.EXPIRED: {},
    S.REFUNDED: {},
}
OPEN = frozenset({S.PENDING, S.AWAITING_PAYMENT})


class IllegalTransition(Conflict):
    """The order's status does not allow the move."""


class ReservationReleased(Conflict):
    """The order was given up while it was being placed."""


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


@dataclass(frozen=True)
class Entry:
    """One line of an order's timeline. `actor`: a user's id, `system`, or `stripe`."""

    at: datetime
    type: str
    actor: str
    detail: str = ""


@dataclass(frozen=True)
class RefundDue:
    """Money of a payment that this order must not keep."""

    amount: Money
    reason: str


@dataclass(frozen=True)
class Terms:
    """What was agreed when the order was placed; never changed after."""

    lines: tuple[QuotedLine, ...]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    total: Money
    shipping_method: str
    shipping_address: ShippingAddress
    email: str
    placed_at: datetime
    pay_by: datetime
    coupon: str | None = None


@dataclass(frozen=True)
class Order:
    """An order. `terms` are None until it is placed, or kept from the start where a retry could not make
    them again: `was_placed` tells. `expires_at` is None once no deadline runs.

    `refusal` is the problem that placing it met with; `refunds_due` maps payments to what must go back.
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
    timeline: tuple[Entry, ...] = ()

    @property
    def was_placed(self) -> bool:
        """Whether it ever waited for its payment. One that did not was never an order to its owner."""
        return any(entry.type == PLACED for entry in self.timeline)

    def _moved(self, move: Move, entry: Entry, **changes: Any) -> "Order":
        try:
            status = MOVES[self.status][move]
        except KeyError:
            name = move.value.replace("_", " ")
            raise IllegalTransition(
                f"An order that is {self.status} cannot {name}.", status_now=self.status.value
            ) from None
        if status not in OPEN:
            changes["expires_at"] = None
        return self._changed(entry, status=status, **changes)

    def _changed(self, entry: Entry, **changes: Any) -> "Order":
        return replace(
            self,
            version=self.version + 1,
            changed_at=entry.at,
            timeline=(*self.timeline, entry),
            **changes,
        )

    def place(self, terms: Terms, actor: str) -> "Order":
        """The stock is held: from now on it waits for its payment. Raises IllegalTransition."""
        entry = Entry(terms.placed_at, PLACED, actor, f"total {terms.total.amount} {terms.total.currency}")
        return self._moved(Move.PLACE, entry, terms=terms, expires_at=terms.pay_by)

    def as_placed(self) -> "Order":
        """The order as it was when it was placed: the first answer to who placed it."""
        if self.terms is None or not self.was_placed:
            raise ValueError(f"{self.order_id} was never placed")
        return replace(
            self,
            status=Status.AWAITING_PAYMENT,
            version=2,
            expires_at=self.terms.pay_by,
            payment_id=None,
            reason=None,
        )

    def refuse(self, problem: dict[str, Any], now: datetime) -> "Order":
        """The catalog would not hold the stock. Raises IllegalTransition."""
        entry = Entry(now, "order.refused", "system", str(problem["detail"]))
        return self._moved(Move.REFUSE, entry, reason="refused", refusal=problem)

    def cancel(self, actor: str, now: datetime) -> "Order":
        """Given up before it was paid. Raises IllegalTransition."""
        if self.status not in OPEN:
            raise IllegalTransition(
                f"An order that is {self.status} cannot be cancelled here.", status_now=self.status.value
            )
        return self._moved(Move.CANCEL, Entry(now, "order.cancelled", actor), reason="cancelled")

    def expire(self, now: datetime) -> "Order":
        """Its time is over. Raises IllegalTransition, also when it is not over yet."""
        if self.expires_at is None or self.expires_at > now:
            raise IllegalTransition("The order still has time.", status_now=self.status.value)
        return self._moved(Move.EXPIRE, Entry(now, "order.expired", "system"), reason="not paid in time")

    def take_payment(self, payment_id: str, amount: Money, now: datetime) -> "Order":
        """A payment succeeded: the order is paid, or the money is due back; the same order when it was known.

        Raises NotYetPlaced while the order is pending.
        """
        if self.status is Status.PENDING:
            raise NotYetPlaced(self.order_id)
        if payment_id == self.payment_id or payment_id in self.refunds_due:
            return self
        if self.status is Status.AWAITING_PAYMENT and self.terms and amount == self.terms.total:
            entry = Entry(now, "order.paid", "stripe", payment_id)
            return self._moved(Move.PAY, entry, payment_id=payment_id)
        reason = "amount differs" if self.status is Status.AWAITING_PAYMENT else f"order was {self.status}"
        due = {**self.refunds_due, payment_id: RefundDue(amount, reason)}
        entry = Entry(now, "refund.due", "system", f"{payment_id}: {reason}")
        return self._changed(entry, refunds_due=due)

    def note_failed_payment(self, reason: str, event_id: str, now: datetime) -> "Order":
        """A try to pay failed; the same order when that is noted already or no longer matters."""
        entry = Entry(now, "payment.failed", "stripe", f"{reason} ({event_id})")
        noted = [e.detail for e in self.timeline if e.type == entry.type]
        if self.status is not Status.AWAITING_PAYMENT or entry.detail in noted or len(noted) >= MAX_DECLINES:
            return self
        return self._changed(entry)


def opened(order_id: str, user_id: str, now: datetime, terms: Terms | None = None) -> Order:
    """A new order, pending: written first, so that whatever crashes next, somebody will clean up.

    `terms` where a retry could not make them again.
    """
    return Order(order_id, user_id, Status.PENDING, 1, now, now + PENDING_FOR, terms)


def order_id_of(quote: Quote) -> str:
    """One order a quote, whoever sends it how often: the order's id is the quote's."""
    return f"ord_{quote.quote_id.removeprefix(QUOTE_PREFIX)}"


def agreed(
    quote: Quote, address: ShippingAddress | None, email: str, now: datetime, pay_within: timedelta
) -> Terms:
    """What the order stands on. Raises Invalid: no address, no e-mail, another country, or too much."""
    where = address or quote.shipping_address
    if where is None:
        raise invalid("/shipping_address", "The quote was made for a country; say where the parcel goes.")
    if where.country != quote.country:
        raise invalid("/shipping_address/country", f"The quote was made for {quote.country}.")
    if not email:
        raise invalid("/email", "Say where the confirmation goes.")
    check(quote)
    if len(quote.model_dump_json().encode()) > MAX_BYTES:
        raise invalid("", "This is too much for one order; make two of it.")
    return Terms(
        lines=tuple(quote.lines),
        subtotal=quote.subtotal,
        discount=quote.discount,
        shipping=quote.shipping,
        tax=quote.tax,
        total=quote.total,
        shipping_method=quote.shipping_method,
        shipping_address=where,
        email=email,
        placed_at=now,
        pay_by=now + pay_within,
        coupon=quote.coupon,
    )


def check(quote: Quote) -> None:
    """Hold the quote to its own arithmetic. Raises ValueError: one that is signed and wrong is our bug."""
    subtotal = Money.zero(quote.total.currency)
    for line in quote.lines:
        if line.unit_price * line.quantity != line.line_total:
            raise ValueError(f"line {line.sku} of {quote.quote_id} does not add up")
        subtotal += line.line_total
    net = quote.subtotal - quote.discount + quote.shipping
    if subtotal != quote.subtotal or quote.total not in (net, net + quote.tax):
        raise ValueError(f"{quote.quote_id} does not add up")
