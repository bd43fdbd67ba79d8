"""When the sweeper must look at a payment again: unfinished work, expiries and reminders."""

from datetime import datetime, timedelta

from payments.domain.payments import Payment, Status

RETRY_AFTER = timedelta(minutes=5)  # the sweeper's interval; until then the request or message is at work


def due_at(payment: Payment, now: datetime) -> datetime | None:
    """Return when the sweeper must look at the payment as it is `now`; None if it need not."""
    if has_work(payment):
        return now + RETRY_AFTER
    authorization_check = payment.authorization.check_at(notify=_may_notify_expiry(payment))
    moments = (authorization_check, payment.disputes.next_reminder_at)
    return min((moment for moment in moments if moment), default=None)


def has_work(payment: Payment) -> bool:
    """Return whether the payment has work that may not have reached Stripe."""
    return (
        owes_capture(payment)
        or (payment.refunds.pending > 0 and not payment.disputes.any_open)
        or must_release_replaced(payment)
        or (payment.cancel_requested and payment.authorization.capturable > 0)
    )


def owes_capture(payment: Payment) -> bool:
    """Return whether a capture is due that Stripe did not refuse."""
    return payment.capture_owed > 0 and payment.captures.error is None and not payment.cancel_requested


def must_release_replaced(payment: Payment) -> bool:
    """Return whether the replaced payment can be released, because this one is authorized or captured."""
    replacement = payment.replacement
    return bool(replacement.replaces and payment.secured and not replacement.released)


def must_notify_expiry(payment: Payment, now: datetime) -> bool:
    """Return whether to ask the shopper to pay again: the authorization expires soon and nothing is due."""
    return _may_notify_expiry(payment) and payment.authorization.expires_soon(now)


def _may_notify_expiry(payment: Payment) -> bool:
    return (
        payment.status is Status.AUTHORIZED
        and not payment.cancel_requested
        and not payment.replacement.replaced_by
        and not payment.authorization.expiry_notified
        and not payment.capture_owed
    )
