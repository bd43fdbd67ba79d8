"""The ledger: double-entry postings of each change of a payment, in minor units of its currency."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from payments.domain.payments import Payment


class Account(StrEnum):
    """`stripe` is the balance at Stripe; `disputes` is withheld by banks, `chargebacks` is lost to them.

    Stripe's fees are not posted: Stripe's reports have them.
    """

    STRIPE = "stripe"
    SALES = "sales"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    CHARGEBACKS = "chargebacks"


@dataclass(frozen=True)
class Line:
    """One side of a posting: debits are positive, credits negative."""

    account: Account
    amount: int


@dataclass(frozen=True)
class Entry:
    """The postings of one change, which sum to zero; `reference` is the PaymentIntent's id."""

    payment_id: str
    version: int
    kind: str
    currency: str
    lines: tuple[Line, ...]
    reference: str | None
    at: datetime


def postings(before: Payment | None, after: Payment) -> Entry | None:
    """Return the entry for a change of a payment; None if no money moved."""
    movements = [*_movements(before, after)]
    if not movements:
        return None
    lines = [
        line
        for _, debit, credit, amount in movements
        for line in (Line(debit, amount), Line(credit, -amount))
    ]
    return Entry(
        payment_id=after.payment_id,
        version=after.version,
        kind=" ".join(dict.fromkeys(kind for kind, *_ in movements)),
        currency=after.amount.currency,
        lines=tuple(lines),
        reference=after.stripe.intent_id,
        at=after.updated_at,
    )


def balances(entries: Iterable[Entry]) -> dict[Account, int]:
    """Return the balance of each account after these entries."""
    sums = dict.fromkeys(Account, 0)
    for entry in entries:
        for line in entry.lines:
            sums[line.account] += line.amount
    return sums


def expected(payment: Payment) -> dict[Account, int]:
    """Return the balances that follow from the payment's own amounts."""
    captured, refunded, withheld, lost = _amounts(payment)
    return {
        Account.STRIPE: captured - refunded - withheld - lost,
        Account.SALES: -captured,
        Account.REFUNDS: refunded,
        Account.DISPUTES: withheld,
        Account.CHARGEBACKS: lost,
    }


def _amounts(payment: Payment) -> tuple[int, int, int, int]:
    """Return the captured, refunded, withheld and lost amounts."""
    disputes = payment.disputes
    return payment.captures.captured, payment.refunds.refunded, disputes.withheld, disputes.lost


def _movements(before: Payment | None, after: Payment) -> Iterable[tuple[str, Account, Account, int]]:
    """Yield (kind, debited account, credited account, amount > 0) of each movement."""
    old = _amounts(before) if before else (0, 0, 0, 0)
    captured, refunded, withheld, lost = (b - a for a, b in zip(old, _amounts(after), strict=True))
    kept = max(0, min(lost, -withheld))  # a withheld amount that is lost now moves no money
    for amount, increase, decrease, account, other in (
        (captured, "captured", "uncaptured", Account.STRIPE, Account.SALES),
        (refunded, "refunded", "refund_failed", Account.REFUNDS, Account.STRIPE),
        (withheld + kept, "withheld", "reinstated", Account.DISPUTES, Account.STRIPE),
        (kept, "lost", "", Account.CHARGEBACKS, Account.DISPUTES),
        (lost - kept, "lost", "recovered", Account.CHARGEBACKS, Account.STRIPE),
    ):
        if amount > 0:
            yield increase, account, other, amount
        elif amount < 0:
            yield decrease, other, account, -amount
