"""Refunds: their states, Stripe's view of them, and the totals that a payment keeps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from shared.contracts.reasons import RefundReason
from shared.errors import Conflict
from shared.values import ids
from shared.values.money import Money


class RefundTooLargeMembers(TypedDict):
    """The highest possible amount."""

    left: Annotated[Money, Field(description="The refundable amount; 0 if nothing is refundable.")]


class RefundTooLarge(Conflict):
    """The amount is zero or larger than the refundable amount."""

    advice = "Send an amount from 1 to `left`."
    members = RefundTooLargeMembers


class RefundRefusedMembers(TypedDict):
    """The refund that failed."""

    refund_id: Annotated[str | None, Field(description="The failed refund; null if none was created.")]


class RefundRefused(Conflict):
    """Stripe refused the refund, or could not complete it."""

    advice = "Refund the customer by other means. A retry needs a new `Idempotency-Key`."
    members = RefundRefusedMembers


class PaymentDisputed(Conflict):
    """A chargeback is open: no refund is possible until the bank has decided."""

    advice = "Wait until the dispute is closed."


class RefundStatus(StrEnum):
    """`requested` is not yet sent to Stripe; the others are Stripe's."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


REFUNDED = frozenset({RefundStatus.PENDING, RefundStatus.SUCCEEDED})

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
    """A refund; `amount` in minor units of the payment's currency.

    `already_refunded`: it failed because nothing was left to refund, so the shopper lost nothing.
    """

    refund_id: str
    payment_id: str
    amount: int
    reason: str
    created_at: datetime
    status: RefundStatus = RefundStatus.REQUESTED
    provider_id: str | None = None
    already_refunded: bool = False


@dataclass(frozen=True)
class StripeRefund:
    """Stripe's Refund; `refund_id` is the shop's id from its metadata, or None if it was created in
    Stripe."""

    provider_id: str
    refund_id: str | None
    status: RefundStatus
    amount: int = 0


@dataclass(frozen=True)
class RefundTotals:
    """The totals of a payment's refunds, in minor units.

    `reserved`: all refunds that did not fail. `pending`: the part that is not yet sent to Stripe. `refunded`:
    pending or succeeded at Stripe. `failed`: all failures ever. `reversed`: the failures that had counted as
    refunded before.
    """

    reserved: int = 0
    pending: int = 0
    refunded: int = 0
    failed: int = 0
    reversed: int = 0

    def with_new(self, refund: Refund) -> "RefundTotals":
        """Return the totals with a requested refund."""
        return replace(self, reserved=self.reserved + refund.amount, pending=self.pending + refund.amount)

    def with_changes(self, before: Sequence[Refund], after: Sequence[Refund]) -> "RefundTotals":
        """Return the totals of the refunds `after` a change; `before` are those that they count now."""
        previous = {each.refund_id: each.status for each in before}
        failed = [
            each
            for each in after
            if each.status is RefundStatus.FAILED
            and not each.already_refunded
            and previous.get(each.refund_id, RefundStatus.FAILED) is not RefundStatus.FAILED
        ]
        return RefundTotals(
            reserved=sum(each.amount for each in after if each.status is not RefundStatus.FAILED),
            pending=sum(each.amount for each in after if each.status is RefundStatus.REQUESTED),
            refunded=sum(each.amount for each in after if each.status in REFUNDED),
            failed=self.failed + sum(each.amount for each in failed),
            reversed=self.reversed
            + sum(each.amount for each in failed if previous[each.refund_id] in REFUNDED),
        )


def new_id(payment_id: str, key: str, now: datetime) -> str:
    """Return a refund id that sorts by `now` and by which `find_by_key` finds the refund again."""
    return ids.keyed_id("ref", now, _scoped(payment_id, key))


def find_by_key(refunds: Iterable[Refund], payment_id: str, key: str) -> Refund | None:
    """Return the payment's refund that was created for the key."""
    digest = ids.derived_id("ref", payment_id, key)  # older ids are digests that do not sort by time
    scoped = _scoped(payment_id, key)
    return next(
        (each for each in refunds if each.refund_id == digest or ids.matches_key(each.refund_id, scoped)),
        None,
    )


def _scoped(payment_id: str, key: str) -> str:
    return f"{payment_id} {key}"


def merge(
    payment_id: str, known: Sequence[Refund], theirs: Sequence[StripeRefund], now: datetime
) -> list[Refund]:
    """Return the payment's refunds in Stripe's state, including those that were created in Stripe."""
    refunds = {each.refund_id: each for each in known}
    for there in theirs:
        ours = refunds.get(there.refund_id or "")
        if ours is None or ours.provider_id not in (None, there.provider_id):
            key = there.provider_id
            ours = find_by_key(refunds.values(), payment_id, key) or Refund(
                refund_id=new_id(payment_id, key, now),
                payment_id=payment_id,
                amount=there.amount,
                reason=RefundReason.CREATED_IN_STRIPE,
                created_at=now,
                status=there.status,
                provider_id=key,
            )
        refunds[ours.refund_id] = replace(
            ours, status=there.status, provider_id=there.provider_id, amount=there.amount or ours.amount
        )
    return list(refunds.values())
