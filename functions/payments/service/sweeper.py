"""The sweeper: unfinished work, expiring authorizations and reminders."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from payments import stripe_gateway
from payments.domain import follow_ups
from payments.domain.inbox import RATE_LIMITED
from payments.domain.payments import Payment, add_capture_due
from payments.service import captures, refunds, syncing
from payments.service.syncing import Change
from payments.tables import payments
from shared.dynamodb.rows import ConcurrentUpdate
from shared.runtime import observability
from shared.runtime.observability import log

MIN_SECONDS_LEFT = stripe_gateway.STRIPE_DEADLINE + 5  # seconds; the longest that one payment takes


def sweep(time_left: Callable[[], float], now: datetime) -> int:
    """Follow up the payments that are due while `time_left()` (seconds) allows; return how many."""
    count = 0
    for payment_id in payments.due(now):
        if time_left() < MIN_SECONDS_LEFT:
            log.warning("sweep interrupted")
            break
        try:
            follow_up(payment_id, now)
            count += 1
        except stripe_gateway.StripeUnavailable as error:
            if error.rate_limited:
                log.warning("sweep interrupted", extra={"reason": RATE_LIMITED})
                break  # the next run, five minutes later, continues
            _report_failed(payment_id)
        except Exception:
            _report_failed(payment_id)  # one failing payment must not block the others
    return count


def _report_failed(payment_id: str) -> None:
    """Log the exception that is being handled."""
    log.exception("follow-up failed", extra={"payment_id": payment_id})
    observability.count("SweeperFailures")


@stripe_gateway.within_deadline
def follow_up(payment_id: str, now: datetime) -> None:
    """Synchronize a payment and finish its work: captures, refunds, and the release of a replaced payment.
    Publish an expiring authorization and the reminder of a dispute once each."""
    held = captures.capture_due(payment_id, now)
    if held.refunds.pending:
        refunds.send_pending(payment_id, now)
    if held.replacement.replaces and follow_ups.must_release_replaced(held):
        _release_replaced(held, held.replacement.replaces, now)
    if _with_notices(held, now) is not held:
        syncing.change(payment_id, lambda held: Change(_with_notices(held, now)), now)


def follow_up_if_needed(held: Payment, now: datetime) -> None:
    """Follow up a payment now if it has work; otherwise make no call."""
    if follow_ups.has_work(held):
        follow_up(held.payment_id, now)


def _with_notices(held: Payment, now: datetime) -> Payment:
    """Return the payment with its due notices recorded as published; the same payment if none are due."""
    reminders = held.disputes.due_reminders(now)
    notify_expiry = follow_ups.must_notify_expiry(held, now)
    if not reminders and not notify_expiry:
        return held
    notified = held.authorization.expiry_notified or notify_expiry
    return replace(
        held,
        authorization=replace(held.authorization, expiry_notified=notified),
        disputes=held.disputes.with_reminders(reminders),
    )


def _with_replacement(old: Payment, payment_id: str) -> Payment:
    """Return the payment as replaced. Raises ConcurrentUpdate if it is captured or being captured."""
    if old.captures.captured or old.captures.is_under_way:
        raise ConcurrentUpdate
    replacement = replace(old.replacement, replaced_by=payment_id)
    return replace(old, replacement=replacement, cancel_requested=True)


def _release_replaced(held: Payment, replaced: str, now: datetime) -> None:
    """Void the replaced payment and take over its amount due. If it is captured by now, it stays and `held`
    is voided instead."""
    old = captures.capture_due(replaced, now)
    if old.captures.captured:
        syncing.sync_from_stripe(held.payment_id, now, cancel=True)
    else:
        old = syncing.change(
            replaced, lambda current: Change(_with_replacement(current, held.payment_id)), now
        )
        due, fully_shipped = old.captures.due, old.captures.fully_shipped
        syncing.change(held.payment_id, lambda new: Change(add_capture_due(new, due, fully_shipped)), now)
        syncing.sync_from_stripe(replaced, now, cancel=True)
    syncing.change(held.payment_id, lambda new: Change(_with_release(new)), now)


def _with_release(payment: Payment) -> Payment:
    return replace(payment, replacement=replace(payment.replacement, released=True))
