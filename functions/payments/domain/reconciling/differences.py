"""What differs between a payment here and what Stripe and orders say of it, and what is to be done."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from payments.domain import ledger
from payments.domain.payments import STATUS_OF_INTENT, Intent, Payment, Status
from payments.domain.refunds import Refund, StripeRefund, left_of
from shared.values.ids import MAX_ID_LENGTH

# What changed so lately is on its way here by itself.
ON_ITS_WAY = timedelta(minutes=5)
SAID_ENOUGH = 3  # what was asked for so often in vain is for a person to look at
TEXT = 120
# Orders' words.
AWAITING_PAYMENT = "awaiting_payment"
ENDED = ("expired", "cancelled")


class Kind(StrEnum):
    """What differs."""

    PAID_UNKNOWN = "paid_unknown"
    CAPTURED_DIFFERS = "captured_differs"
    STUCK_PROCESSING = "stuck_processing"
    STATUS_DIFFERS = "status_differs"
    NEVER_HEARD = "never_heard"
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
    """Look at Stripe and write what it says, cancel, repeat the news."""

    SETTLE = "settle"
    CANCEL = "cancel"
    SAY_AGAIN = "say_again"


@dataclass(frozen=True)
class Finding:
    """One difference. `expected` is what Stripe (or orders) says, `found` what is held here.

    `repair` is what to do, None where that is up to a person; `repaired` True once a look shows it, False if
    unexplained. What could only be asked for is `waiting` for the next comparison; `asked` counts."""

    kind: Kind
    provider_id: str
    expected: str
    found: str
    payment_id: str | None = None
    order_id: str | None = None
    repair: Repair | None = None
    repaired: bool | None = None
    asked: int = 0
    waiting: bool = False

    @property
    def key(self) -> tuple[str, str, str | None]:
        return self.kind, self.provider_id, self.payment_id


@dataclass(frozen=True)
class ListedIntent:
    """A PaymentIntent as Stripe lists it; amounts in minor units. `changed_at`: of its last charge, or of
    itself."""

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
    """A Refund as Stripe lists it, and which payment its PaymentIntent says it is of."""

    refund: StripeRefund
    payment_id: str | None
    changed_at: datetime


@dataclass(frozen=True)
class ListedDispute:
    """A Dispute as Stripe lists it, and which payment its PaymentIntent says it is of."""

    dispute_id: str
    status: str
    amount: int
    payment_id: str | None
    changed_at: datetime


@dataclass(frozen=True)
class KnownOrder:
    """What orders knows: its status, whose money it has, and what of that went back (minor units)."""

    order_id: str
    status: str
    payment_id: str | None
    refunded: int
    expires_at: datetime | None = None


def is_on_its_way(changed_at: datetime, now: datetime) -> bool:
    """Whether its webhook, or the news of it, may simply not have arrived yet."""
    return now - changed_at < ON_ITS_WAY


def is_foreign(seen: Intent | ListedIntent) -> bool:
    """Whether an intent that is none of ours has money in it that nobody here knows of."""
    return seen.amount_received > seen.amount_refunded


def foreign(listed: ListedIntent) -> Finding:
    kept = listed.amount_received - listed.amount_refunded
    return Finding(
        Kind.FOREIGN,
        listed.intent_id,
        expected=f"{kept} {listed.currency} received",
        found="no payment of ours",
        payment_id=(listed.payment_id or "")[:MAX_ID_LENGTH] or None,
        order_id=(listed.order_id or "")[:MAX_ID_LENGTH] or None,
    )


def seems_same(held: Payment, listed: ListedIntent) -> bool:
    """Whether the payment is as the list shows its intent: refunds and disputes are compared on their own."""
    if (held.captured, held.capturable) != (listed.amount_received, listed.amount_capturable):
        return False
    return bool(held.captured) or held.status is STATUS_OF_INTENT[listed.status]


def differs(held: Payment, there: Payment, intent_id: str) -> Finding | None:
    """The difference between the payment and what a look at Stripe makes of it; None where there is none."""
    if there.captured != held.captured:
        kind = Kind.CAPTURED_DIFFERS if held.captured else Kind.PAID_UNKNOWN
    elif (held.status, held.capturable) == (there.status, there.capturable):
        return None
    elif held.status is Status.PROCESSING:
        kind = Kind.STUCK_PROCESSING
    else:
        kind = Kind.STATUS_DIFFERS
    return Finding(
        kind,
        intent_id,
        expected=_standing(there),
        found=_standing(held),
        payment_id=held.payment_id,
        order_id=held.order_id,
        repair=Repair.SETTLE,
    )


def order_differs(held: Payment, order: KnownOrder) -> Finding | None:
    """The difference between a payment with money in it, or held for it, and what its order knows."""
    kept = left_of(held) - held.withheld
    repair = Repair.SAY_AGAIN if held.said_again < SAID_ENOUGH else None
    if order.status == AWAITING_PAYMENT:
        kind, expected = Kind.ORDER_UNPAID, "the order is paid"
    elif order.payment_id == held.payment_id:
        if order.refunded != held.refunded:
            kind, expected = Kind.REFUNDED_DIFFERS, f"{held.refunded} given back"
        elif order.status in ENDED and kept > 0:
            kind, expected = Kind.LATE_MONEY, "what nobody owes goes back"
            repair = None if held.unwanted else Repair.CANCEL  # unheard yet, its refund may be on its way too
        else:
            return None
    elif kept > 0:
        kind = Kind.TWO_PAYMENTS if order.payment_id else Kind.LATE_MONEY
        expected = "what nobody owes goes back"
    else:
        return None
    found = f"the order is {order.status}, paid by {order.payment_id}, {order.refunded} given back"
    return Finding(
        kind,
        held.provider_id or "",
        expected=expected,
        found=found[:TEXT],
        payment_id=held.payment_id,
        order_id=held.order_id,
        repair=repair,
    )


def never_heard(
    held: Payment, listed: ListedIntent, order: KnownOrder | None, now: datetime
) -> Finding | None:
    """An intent that can still be paid though its order (None: it was not asked), or the payment, is over."""
    if order and order.expires_at and is_on_its_way(order.expires_at, now):
        return None
    over = order.status if order and order.status in ENDED else "over" if _is_unwanted(held) else None
    if over is None:
        return None
    return Finding(
        Kind.NEVER_HEARD,
        listed.intent_id,
        expected=f"cancelled, as the order is {over}" if order else "cancelled, as the payment is over",
        found=f"{listed.status} at Stripe",
        payment_id=held.payment_id,
        order_id=held.order_id,
        repair=Repair.CANCEL,
    )


def is_of(payment: Payment, listed: ListedIntent) -> bool:
    """Whether the intent is this payment's: it says so, and no other intent is known to be."""
    return (listed.payment_id, listed.order_id) == (payment.payment_id, payment.order_id) and (
        payment.provider_id in (None, listed.intent_id)
    )


def may_still_pay(payment: Payment, listed: ListedIntent) -> bool:
    """Whether money may still come in by it: the intent of a page that was closed stays open for nobody."""
    if listed.status in ("canceled", "succeeded"):
        return False
    return listed.status == "requires_capture" or not (payment.session_id and payment.is_over)


def refund_differs(held: Payment, known: Refund | None, listed: ListedRefund) -> Finding | None:
    """The difference between a refund here (None: there is none) and at Stripe."""
    theirs = listed.refund
    if known and (known.status, known.amount) == (theirs.status, theirs.amount):
        return None
    return Finding(
        Kind.REFUND_DIFFERS if known else Kind.REFUNDED_ELSEWHERE,
        theirs.provider_id,
        expected=f"{theirs.amount} {held.amount.currency} {theirs.status.value}",
        found=f"{known.amount} {held.amount.currency} {known.status.value}" if known else "no such refund",
        payment_id=held.payment_id,
        order_id=held.order_id,
        repair=Repair.SETTLE,
    )


def known_refund(refunds: Iterable[Refund], listed: ListedRefund) -> Refund | None:
    """The refund here that is the listed one: by Stripe's id, or by ours, which it carries."""
    theirs = listed.refund
    by_id = {each.provider_id or each.refund_id: each for each in refunds}
    return by_id.get(theirs.provider_id) or by_id.get(theirs.refund_id or "")


def dispute_differs(held: Payment, listed: ListedDispute) -> Finding | None:
    """The difference between a dispute here and at Stripe."""
    known = next((each for each in held.disputes if each.dispute_id == listed.dispute_id), None)
    if known and (known.status, known.amount) == (listed.status, listed.amount):
        return None
    return Finding(
        Kind.DISPUTE_DIFFERS,
        listed.dispute_id,
        expected=f"{listed.amount} {held.amount.currency} {listed.status}",
        found=f"{known.amount} {held.amount.currency} {known.status}" if known else "no such dispute",
        payment_id=held.payment_id,
        order_id=held.order_id,
        repair=Repair.SETTLE,
    )


def ledger_differs(held: Payment, entries: Iterable[ledger.Entry]) -> Finding | None:
    """Where the ledger does not come to the payment's own sums: for a person to look at."""
    booked, due = ledger.balances(entries), ledger.expected(held)
    odd = [account for account in ledger.Account if booked[account] != due[account]]
    if not odd:
        return None
    return Finding(
        Kind.LEDGER_DIFFERS,
        held.provider_id or "",
        expected=", ".join(f"{account} {due[account]}" for account in odd),
        found=", ".join(f"{account} {booked[account]}" for account in odd),
        payment_id=held.payment_id,
        order_id=held.order_id,
    )


def unreadable(provider_id: str, payment_id: str | None, why: str) -> Finding:
    """An object that could not be compared; the others were."""
    return Finding(Kind.UNREADABLE, provider_id, "to be compared", why[:TEXT], payment_id=payment_id)


def _is_unwanted(payment: Payment) -> bool:
    return payment.unwanted or payment.is_over


def _standing(payment: Payment) -> str:
    return f"{payment.status.value}, {payment.captured} {payment.amount.currency} captured"
