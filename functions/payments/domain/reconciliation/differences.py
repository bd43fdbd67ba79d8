"""Differences between a payment and Stripe or orders, and the repair of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from payments.domain import ledger
from payments.domain.payments import STATUS_OF_INTENT, Payment, Status
from payments.domain.refunds import Refund, StripeRefund
from payments.domain.stripe_objects import Intent
from shared.values.ids import MAX_ID_LENGTH

# A more recent change may still arrive by its webhook or event.
DELIVERY_TIME = timedelta(minutes=5)
MAX_ATTEMPTS = 3  # repairs per difference; what remains after so many needs a decision of staff
MAX_TEXT = 120  # characters of a finding's text; up to 300 findings share a row of 400 KB
# Statuses of orders.
AWAITING_PAYMENT = "awaiting_payment"
ENDED = ("expired", "cancelled")


class Kind(StrEnum):
    """The kind of a difference; the values are part of the public API."""

    PAID_UNKNOWN = "paid_unknown"
    CAPTURED_DIFFERS = "captured_differs"
    STUCK_PROCESSING = "stuck_processing"
    STATUS_DIFFERS = "status_differs"
    NOT_CANCELLED = "never_heard"
    ORDER_UNPAID = "order_unpaid"
    TWO_PAYMENTS = "two_payments"
    LATE_MONEY = "late_money"
    REFUNDED_DIFFERS = "given_back_differs"
    REFUNDED_ELSEWHERE = "refunded_elsewhere"
    REFUND_DIFFERS = "refund_differs"
    DISPUTE_DIFFERS = "dispute_differs"
    LEDGER_DIFFERS = "ledger_differs"
    FOREIGN = "foreign"
    UNREADABLE = "unreadable"


class Repair(StrEnum):
    """The repair of a difference: write Stripe's state, cancel the payment, or publish its events again.
    The values are part of the public API."""

    SYNC = "settle"
    CANCEL = "cancel"
    REPUBLISH = "say_again"


@dataclass(frozen=True)
class Finding:
    """One difference. `expected` follows from Stripe or orders, `found` is the stored state.

    `repair` is None if staff must decide. `repaired` is True when a later check confirms the repair, False if
    the difference is unexplained. A repair with a delayed effect is `awaiting_check` by the next
    reconciliation; `attempts` counts such repairs.
    """

    kind: Kind
    provider_id: str
    expected: str
    found: str
    payment_id: str | None = None
    order_id: str | None = None
    repair: Repair | None = None
    repaired: bool | None = None
    attempts: int = 0
    awaiting_check: bool = False

    @property
    def key(self) -> tuple[str, str, str | None]:
        return self.kind, self.provider_id, self.payment_id


@dataclass(frozen=True)
class ListedIntent:
    """A PaymentIntent as Stripe lists it; amounts in minor units. `changed_at` is its last known change."""

    intent_id: str
    status: str
    currency: str
    amount_received: int
    amount_capturable: int
    amount_refunded: int
    payment_id: str | None
    order_id: str | None
    changed_at: datetime


@dataclass(frozen=True)
class ListedRefund:
    """A Refund as Stripe lists it, with the payment that its PaymentIntent names."""

    refund: StripeRefund
    payment_id: str | None
    changed_at: datetime


@dataclass(frozen=True)
class ListedDispute:
    """A Dispute as Stripe lists it, with the payment that its PaymentIntent names."""

    dispute_id: str
    status: str
    amount: int
    payment_id: str | None
    changed_at: datetime


@dataclass(frozen=True)
class KnownOrder:
    """The order in the orders service: its status, its payment, and the refunded amount in minor units."""

    order_id: str
    status: str
    payment_id: str | None
    refunded: int
    expires_at: datetime | None = None


def is_recent(changed_at: datetime, now: datetime) -> bool:
    """Return whether the webhook or event of a change may still be on its way."""
    return now - changed_at < DELIVERY_TIME


def is_foreign(seen: Intent | ListedIntent) -> bool:
    """Return whether an intent that belongs to no payment holds money."""
    return seen.amount_received > seen.amount_refunded


def foreign(listed: ListedIntent) -> Finding:
    kept = listed.amount_received - listed.amount_refunded
    return Finding(
        Kind.FOREIGN,
        listed.intent_id,
        expected=f"{kept} {listed.currency} received",
        found="no payment of this shop",
        payment_id=(listed.payment_id or "")[:MAX_ID_LENGTH] or None,
        order_id=(listed.order_id or "")[:MAX_ID_LENGTH] or None,
    )


def seems_same(held: Payment, listed: ListedIntent) -> bool:
    """Return whether the payment agrees with its listed intent; refunds and disputes are compared
    separately."""
    captured, capturable = held.captures.captured, held.authorization.capturable
    if (captured, capturable) != (listed.amount_received, listed.amount_capturable):
        return False
    return bool(captured) or held.status is STATUS_OF_INTENT[listed.status]


def payment_difference(held: Payment, there: Payment, intent_id: str) -> Finding | None:
    """Return the difference between the payment and the same payment in Stripe's state; None if none."""
    captured, capturable = held.captures.captured, held.authorization.capturable
    if there.captures.captured != captured:
        kind = Kind.CAPTURED_DIFFERS if captured else Kind.PAID_UNKNOWN
    elif (held.status, capturable) == (there.status, there.authorization.capturable):
        return None
    elif held.status is Status.PROCESSING:
        kind = Kind.STUCK_PROCESSING
    else:
        kind = Kind.STATUS_DIFFERS
    return Finding(
        kind,
        intent_id,
        expected=_summary(there),
        found=_summary(held),
        payment_id=held.payment_id,
        order_id=held.order.order_id,
        repair=Repair.SYNC,
    )


def order_difference(held: Payment, order: KnownOrder) -> Finding | None:
    """Return the difference between a captured or authorized payment and its order; None if none."""
    kept = held.refundable - held.disputes.withheld
    repair = Repair.REPUBLISH if held.republish_count < MAX_ATTEMPTS else None
    if order.status == AWAITING_PAYMENT:
        kind, expected = Kind.ORDER_UNPAID, "the order is paid"
    elif order.payment_id == held.payment_id:
        if order.refunded != held.refunds.refunded:
            kind, expected = Kind.REFUNDED_DIFFERS, f"{held.refunds.refunded} refunded"
        elif order.status in ENDED and kept > 0:
            kind, expected = Kind.LATE_MONEY, "the payment is refunded"
            repair = None if held.cancel_requested else Repair.CANCEL  # the refund may still be on its way
        else:
            return None
    elif kept > 0:
        kind = Kind.TWO_PAYMENTS if order.payment_id else Kind.LATE_MONEY
        expected = "the payment is refunded"
    else:
        return None
    found = f"the order is {order.status}, paid by {order.payment_id}, {order.refunded} refunded"
    return Finding(
        kind,
        held.stripe.intent_id or "",
        expected=expected,
        found=found[:MAX_TEXT],
        payment_id=held.payment_id,
        order_id=held.order.order_id,
        repair=repair,
    )


def cancellation_difference(
    held: Payment, listed: ListedIntent, order: KnownOrder | None, now: datetime
) -> Finding | None:
    """Return the difference of an intent that can be paid although its order or payment has ended; None if
    none. `order` is None if only the payment counts."""
    if order and order.expires_at and is_recent(order.expires_at, now):
        return None
    has_ended = held.cancel_requested or held.is_over
    over = order.status if order and order.status in ENDED else "over" if has_ended else None
    if over is None:
        return None
    return Finding(
        Kind.NOT_CANCELLED,
        listed.intent_id,
        expected=f"cancelled, as the order is {over}" if order else "cancelled, as the payment has ended",
        found=f"{listed.status} at Stripe",
        payment_id=held.payment_id,
        order_id=held.order.order_id,
        repair=Repair.CANCEL,
    )


def can_be_paid(payment: Payment, listed: ListedIntent) -> bool:
    """Return whether the intent can be paid or captured. One of an expired Checkout Session cannot be
    paid."""
    if listed.status in ("canceled", "succeeded"):
        return False
    return listed.status == "requires_capture" or not (payment.stripe.session_id and payment.is_over)


def refund_difference(held: Payment, known: Refund | None, listed: ListedRefund) -> Finding | None:
    """Return the difference between a refund (`known`; None if unknown) and Stripe's; None if none."""
    theirs = listed.refund
    if known and (known.status, known.amount) == (theirs.status, theirs.amount):
        return None
    return Finding(
        Kind.REFUND_DIFFERS if known else Kind.REFUNDED_ELSEWHERE,
        theirs.provider_id,
        expected=f"{theirs.amount} {held.amount.currency} {theirs.status.value}",
        found=f"{known.amount} {held.amount.currency} {known.status.value}" if known else "no such refund",
        payment_id=held.payment_id,
        order_id=held.order.order_id,
        repair=Repair.SYNC,
    )


def known_refund(refunds: Iterable[Refund], listed: ListedRefund) -> Refund | None:
    """Return the refund that is the listed one, by Stripe's id or by the id in its metadata."""
    theirs = listed.refund
    by_id = {each.provider_id or each.refund_id: each for each in refunds}
    return by_id.get(theirs.provider_id) or by_id.get(theirs.refund_id or "")


def dispute_difference(held: Payment, listed: ListedDispute) -> Finding | None:
    """Return the difference between a dispute and Stripe's; None if none."""
    known = next((each for each in held.disputes.items if each.dispute_id == listed.dispute_id), None)
    if known and (known.status, known.amount) == (listed.status, listed.amount):
        return None
    return Finding(
        Kind.DISPUTE_DIFFERS,
        listed.dispute_id,
        expected=f"{listed.amount} {held.amount.currency} {listed.status}",
        found=f"{known.amount} {held.amount.currency} {known.status}" if known else "no such dispute",
        payment_id=held.payment_id,
        order_id=held.order.order_id,
        repair=Repair.SYNC,
    )


def ledger_difference(held: Payment, entries: Iterable[ledger.Entry]) -> Finding | None:
    """Return the difference between the ledger's balances and the payment's amounts, for staff; None if
    none."""
    booked, due = ledger.balances(entries), ledger.expected(held)
    unequal = [account for account in ledger.Account if booked[account] != due[account]]
    if not unequal:
        return None
    return Finding(
        Kind.LEDGER_DIFFERS,
        held.stripe.intent_id or "",
        expected=", ".join(f"{account} {due[account]}" for account in unequal),
        found=", ".join(f"{account} {booked[account]}" for account in unequal),
        payment_id=held.payment_id,
        order_id=held.order.order_id,
    )


def unreadable(provider_id: str, payment_id: str | None, why: str) -> Finding:
    """Return a finding for an object that could not be compared."""
    return Finding(Kind.UNREADABLE, provider_id, "to be compared", why[:MAX_TEXT], payment_id=payment_id)


def _summary(payment: Payment) -> str:
    return f"{payment.status.value}, {payment.captures.captured} {payment.amount.currency} captured"
