"""Manual capture: how much is due for what has left, and one capture at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.errors import Conflict
from shared.values.money_format import format_money

if TYPE_CHECKING:
    from payments.domain.payments import Payment


class NothingToCapture(Conflict):
    """Empty is held on the card for this payment."""


class CaptureTooLarge(Conflict):
    """More than what is held; `left` is what is."""


class CaptureRefused(Conflict):
    """Stripe will not take this money, or no longer."""


@dataclass(frozen=True)
class Claim:
    """A capture that Stripe is asked for: it happened once more than `base` has come in. `final`: what it
    leaves of the hold is let go. `attempt` counts the captures that Stripe would not make before, as it gives
    the same answer to the same key for a day. Amounts in minor units."""

    base: int
    amount: int
    final: bool
    attempt: int = 0


def owed(payment: Payment) -> int:
    """What is due for goods that have left and did not come in yet, in minor units."""
    return max(0, min(payment.to_capture, payment.amount.amount) - payment.captured)


def due(payment: Payment, so_far: int, complete: bool) -> Payment:
    """The payment with `so_far` (minor units) due for all parcels; told late or twice, it changes nothing."""
    if so_far <= payment.to_capture and payment.all_left >= complete:
        return payment
    return replace(
        payment,
        to_capture=max(payment.to_capture, so_far),
        all_left=payment.all_left or complete,
        capture_error=None,
    )


def claimed(payment: Payment) -> Payment:
    """The payment with its next capture claimed; one that is under way stays the only one.

    A card that cannot be captured twice gives all that is held with the first parcel: goods that leave later
    would leave unpaid.
    """
    if is_under_way(payment):
        return payment
    amount = min(owed(payment), payment.capturable)
    if not payment.multicapture and not payment.all_left:
        amount = payment.capturable
    return replace(payment, claim=_claim(payment, amount, last=payment.all_left))


def asked(payment: Payment, amount: int | None, capture_id: str) -> Payment:
    """The payment with a capture of `amount` (minor units; None: all that is held) as staff ask for it, once
    an id.

    Raises NothingToCapture or CaptureTooLarge.
    """
    if capture_id in payment.captures_asked:
        return payment
    if payment.unwanted or not payment.capturable:
        raise NothingToCapture("Empty is held for this payment that could be captured.")
    amount = payment.capturable if amount is None else amount
    if not 0 < amount <= payment.capturable:
        left = payment.sum_of(payment.capturable)
        raise CaptureTooLarge(f"{format_money(left)} is held.", left=left.model_dump())
    return replace(
        payment,
        to_capture=max(payment.to_capture, payment.captured + amount),
        capture_error=None,
        claim=_claim(payment, amount, last=False),
        captures_asked=(*payment.captures_asked, capture_id),
    )


def refused(payment: Payment, claim: Claim | None, why: str) -> Payment:
    """The payment with its capture given up; itself where that is not what it claims (any more)."""
    if payment.claim != claim or payment.capture_error or not owed(payment):
        return payment
    return replace(payment, claim=None, capture_error=why, captures_refused=payment.captures_refused + 1)


def failed(payment: Payment, claim: Claim) -> Payment:
    """The payment with its capture to be asked for under another key; itself where it claims another."""
    if payment.claim != claim:
        return payment
    tries = payment.captures_refused + 1
    return replace(payment, claim=replace(claim, attempt=tries), captures_refused=tries)


def is_under_way(payment: Payment) -> bool:
    """Whether a capture was claimed of which a look did not see the outcome yet."""
    return payment.claim is not None and payment.claim.base == payment.captured


def _claim(payment: Payment, amount: int, last: bool) -> Claim:
    return Claim(
        base=payment.captured,
        amount=amount,
        final=last or not payment.multicapture or amount >= payment.capturable,
        attempt=payment.captures_refused,
    )
