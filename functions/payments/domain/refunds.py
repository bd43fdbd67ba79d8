"""Money back: what a refund is, what Stripe says of it, and how much of a payment may still go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from payments.domain.payments import Payment
from shared.errors import Conflict
from shared.values import ids
from shared.values.money_format import format_money

BY_HAND = "made at Stripe"


class RefundTooLarge(Conflict):
    """More than what was captured and is not already given back; `left` is what may go."""


class RefundRefused(Conflict):
    """Stripe will not give this money back."""


class PaymentDisputed(Conflict):
    """A chargeback is open: nothing is given back until it is decided."""


class RefundStatus(StrEnum):
    """`requested` here, then what Stripe says of it."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


BACK = frozenset({RefundStatus.PENDING, RefundStatus.SUCCEEDED})

# https://docs.stripe.com/api/refunds/object#refund_object-status
STATUS_OF_REFUND = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


@dataclass(frozen=True)
class Refund:
    """Money to give back; `amount` in minor units of the payment's currency. `settled`: there was nothing
    left to give (the shopper has it already), so that its failure is nobody's loss."""

    refund_id: str
    payment_id: str
    amount: int
    reason: str
    created_at: datetime
    status: RefundStatus = RefundStatus.REQUESTED
    provider_id: str | None = None
    settled: bool = False


@dataclass(frozen=True)
class StripeRefund:
    """Stripe's Refund as it is now; `refund_id` is ours, None where it was made elsewhere."""

    provider_id: str
    refund_id: str | None
    status: RefundStatus
    amount: int = 0


def new_id(payment_id: str, key: str, now: datetime) -> str:
    """An id that sorts by `now`, by which `of_key` finds the payment's refund of this key."""
    return ids.keyed_id("ref", now, _scoped(payment_id, key))


def of_key(refunds: Iterable[Refund], payment_id: str, key: str) -> Refund | None:
    """The payment's refund that was made for the key, whenever that was."""
    digest = ids.derived_id("ref", payment_id, key)  # ids were digests alone before they sorted by time
    scoped = _scoped(payment_id, key)
    return next(
        (each for each in refunds if each.refund_id == digest or ids.matches_key(each.refund_id, scoped)),
        None,
    )


def _scoped(payment_id: str, key: str) -> str:
    return f"{payment_id} {key}"


def merged(
    payment: Payment, held: Sequence[Refund], theirs: Sequence[StripeRefund], now: datetime
) -> list[Refund]:
    """All refunds of the payment as they stand: ours with what Stripe says of them, and those made there."""
    refunds = {each.refund_id: each for each in held}
    for there in theirs:
        ours = refunds.get(there.refund_id or "")
        if ours is None or ours.provider_id not in (None, there.provider_id):
            payment_id, key = payment.payment_id, there.provider_id
            ours = of_key(refunds.values(), payment_id, key) or Refund(
                new_id(payment_id, key, now), payment_id, there.amount, BY_HAND, now, there.status, key
            )
        refunds[ours.refund_id] = replace(
            ours, status=there.status, provider_id=there.provider_id, amount=there.amount or ours.amount
        )
    return list(refunds.values())


def counted(payment: Payment, before: Sequence[Refund], after: Sequence[Refund]) -> Payment:
    """The payment with what its refunds amount to `after` a change; `before` are those that it counts now."""
    were = {each.refund_id: each.status for each in before}
    failed = [
        each
        for each in after
        if each.status is RefundStatus.FAILED
        and not each.settled
        and were.get(each.refund_id, RefundStatus.FAILED) is not RefundStatus.FAILED
    ]
    return replace(
        payment,
        promised=sum(each.amount for each in after if each.status is not RefundStatus.FAILED),
        waiting=sum(each.amount for each in after if each.status is RefundStatus.REQUESTED),
        refunded=sum(each.amount for each in after if each.status in BACK),
        not_returned=payment.not_returned + sum(each.amount for each in failed),
        recalled=payment.recalled + sum(each.amount for each in failed if were[each.refund_id] in BACK),
    )


def left_of(payment: Payment) -> int:
    """What of the captured money is neither back, nor claimed, nor lost to a bank, in minor units."""
    return max(0, payment.captured - payment.promised - payment.lost)


def room_for(payment: Payment, refund: Refund) -> int:
    """How much of a refund that waits can be given now, in minor units: by hand, or by a bank, some of the
    money may have gone back since it was claimed."""
    return max(0, min(refund.amount, payment.captured - payment.refunded - payment.lost))


def require_left(payment: Payment, amount: int) -> None:
    """Raise RefundTooLarge where `amount` (minor units) is nothing, or more than is left."""
    left = payment.sum_of(left_of(payment))
    if not 0 < amount <= left.amount:
        raise RefundTooLarge(
            f"Of what was captured {format_money(left)} is left to give back.", left=left.model_dump()
        )
