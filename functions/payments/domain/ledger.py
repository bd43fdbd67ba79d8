"""The ledger: what each change of a payment means in double entry, in minor units of its currency."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from payments.domain.payments import Payment


class Account(StrEnum):
    """`stripe` is what Stripe holds for us; `disputes` what banks withhold for now, `chargebacks` for good.

    Stripe's own fees are not booked: they are not the payment's, and Stripe's reports have them.
    """

    STRIPE = "stripe"
    SALES = "sales"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    CHARGEBACKS = "chargebacks"


@dataclass(frozen=True)
class Line:
    """A side of a posting: debits are above zero, credits below."""

    account: Account
    amount: int


@dataclass(frozen=True)
class Entry:
    """One change's postings, which sum to zero. `kind` says what happened, `reference` where at Stripe."""

    payment_id: str
    version: int
    kind: str
    currency: str
    lines: tuple[Line, ...]
    reference: str | None
    at: datetime


def postings(before: Payment | None, after: Payment) -> Entry | None:
    """The entry for a change of a payment; None where no money moved."""
    moves = [*_moves(before, after)]
    if not moves:
        return None
    lines = [
        line for _, debit, credit, amount in moves for line in (Line(debit, amount), Line(credit, -amount))
    ]
    return Entry(
        payment_id=after.payment_id,
        version=after.version,
        kind=" ".join(dict.fromkeys(kind for kind, *_ in moves)),
        currency=after.amount.currency,
        lines=tuple(lines),
        reference=after.provider_id,
        at=after.updated_at,
    )


def balances(entries: Iterable[Entry]) -> dict[Account, int]:
    """What the accounts come to after these entries."""
    sums = dict.fromkeys(Account, 0)
    for entry in entries:
        for line in entry.lines:
            sums[line.account] += line.amount
    return sums


def expected(payment: Payment) -> dict[Account, int]:
    """What the accounts must come to by the payment's own sums."""
    return {
        Account.STRIPE: payment.captured - payment.refunded - payment.withheld - payment.lost,
        Account.SALES: -payment.captured,
        Account.REFUNDS: payment.refunded,
        Account.DISPUTES: payment.withheld,
        Account.CHARGEBACKS: payment.lost,
    }


def _moves(before: Payment | None, after: Payment) -> Iterable[tuple[str, Account, Account, int]]:
    """(kind, debited, credited, amount) of each movement, amounts above zero."""
    was = (before.captured, before.refunded, before.withheld, before.lost) if before else (0, 0, 0, 0)
    now = (after.captured, after.refunded, after.withheld, after.lost)
    captured, refunded, withheld, lost = (new - old for new, old in zip(now, was, strict=True))
    kept = max(0, min(lost, -withheld))  # what a bank withheld is lost now: it moves no money
    for amount, more, less, account, other in (
        (captured, "captured", "uncaptured", Account.STRIPE, Account.SALES),
        (refunded, "refunded", "refund_failed", Account.REFUNDS, Account.STRIPE),
        (withheld + kept, "withheld", "reinstated", Account.DISPUTES, Account.STRIPE),
        (kept, "lost", "", Account.CHARGEBACKS, Account.DISPUTES),
        (lost - kept, "lost", "recovered", Account.CHARGEBACKS, Account.STRIPE),
    ):
        if amount > 0:
            yield more, account, other, amount
        elif amount < 0:
            yield less, other, account, -amount
