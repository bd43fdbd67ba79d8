"""Holds that run out, and work that was left: when somebody must look at a payment again."""

from datetime import datetime, timedelta

from payments.domain import captures, disputes
from payments.domain.payments import Payment, Status

LEAD = timedelta(hours=24)  # so long before a hold lapses the shopper is asked to pay anew
AGAIN = timedelta(minutes=5)
GRACE = timedelta(hours=1)  # Stripe lets go of a hold some time after it lapsed


def due_at(payment: Payment, now: datetime) -> datetime | None:
    """When the sweeper has to look at the payment as it is `now`; None: there is nothing to wait for."""
    if has_work(payment):
        return now + AGAIN
    moments = (_end_of_hold(payment), disputes.reminder_at(payment.disputes, payment.reminded))
    return min((moment for moment in moments if moment), default=None)


def has_work(payment: Payment) -> bool:
    """Whether something was begun that Stripe may not know of yet."""
    return (
        owes_capture(payment)
        or (payment.waiting > 0 and not payment.is_frozen)
        or must_relieve(payment)
        or (payment.unwanted and payment.capturable > 0)
    )


def owes_capture(payment: Payment) -> bool:
    """Whether a capture is due that Stripe did not refuse."""
    return captures.owed(payment) > 0 and payment.capture_error is None and not payment.unwanted


def must_relieve(payment: Payment) -> bool:
    """Whether the payment that it replaces can be let go of: this one has the money."""
    return bool(payment.replaces and payment.secured and not payment.relieved)


def is_expiring(payment: Payment, now: datetime) -> bool:
    """Whether to ask the shopper now to pay anew: the hold lapses soon and nothing of it is on its way."""
    return (
        _may_expire(payment)
        and payment.capture_before is not None
        and payment.capture_before - LEAD <= now < payment.capture_before
    )


def _end_of_hold(payment: Payment) -> datetime | None:
    if not payment.capturable or payment.capture_before is None:
        return None
    return payment.capture_before - LEAD if _may_expire(payment) else payment.capture_before + GRACE


def _may_expire(payment: Payment) -> bool:
    waits = payment.status is Status.AUTHORIZED and not payment.unwanted and not payment.replaced_by
    return waits and not payment.expiring and not captures.owed(payment)
