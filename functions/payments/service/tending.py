"""Work that was left, and holds that run out: what nobody else will come back to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from payments import stripe_gateway
from payments.domain import captures, disputes, holds
from payments.domain.payments import Payment
from payments.service import capturing, refunding, settling
from payments.service.settling import Change
from payments.tables import payments
from shared.dynamodb.rows import ConcurrentUpdate
from shared.runtime import observability
from shared.runtime.observability import log

ENOUGH = stripe_gateway.PATIENCE + 5  # seconds that one payment needs at most


def sweep(time_left: Callable[[], float], now: datetime) -> int:
    """Tend to every payment that is due, while `time_left()` (seconds) allows; how many."""
    tended = 0
    for payment_id in payments.due(now):
        if time_left() < ENOUGH:
            log.warning("not all payments were tended to; the next run goes on")
            break
        try:
            tend(payment_id, now)
            tended += 1
        except Exception:
            # One payment that cannot be helped now must not keep the others waiting.
            log.exception("not tended to", extra={"payment_id": payment_id})
            observability.count("TendingFailures")
    return tended


@stripe_gateway.patiently
def tend(payment_id: str, now: datetime) -> None:
    """Look at Stripe, and finish what was begun: captures, refunds, letting go of what is replaced. A hold
    that lapses soon, and a dispute that waits for our evidence, are told of once."""
    held = capturing.collect(payment_id, now)
    if held.waiting:
        refunding.carry_out(payment_id, now)
    if held.replaces and holds.must_relieve(held):
        _relieve(held, held.replaces, now)
    if _told(held, now) is not held:
        settling.change(payment_id, lambda held: Change(_told(held, now)), now)


def finish(held: Payment, now: datetime) -> None:
    """Finish at once what a look showed can be done; a payment without such work costs nothing."""
    if holds.has_work(held):
        tend(held.payment_id, now)


def _told(held: Payment, now: datetime) -> Payment:
    reminders = disputes.to_remind(held.disputes, held.reminded, now)
    if not reminders and not holds.is_expiring(held, now):
        return held
    expiring = held.expiring or holds.is_expiring(held, now)
    return replace(held, expiring=expiring, reminded=held.reminded + reminders)


def _replaced(old: Payment, payment_id: str) -> Payment:
    """Raises ConcurrentUpdate where a parcel's money is being taken by it at this moment: then it stays."""
    if old.captured or captures.is_under_way(old):
        raise ConcurrentUpdate
    return replace(old, replaced_by=payment_id, unwanted=True)


def _relieve(held: Payment, replaced: str, now: datetime) -> None:
    """Let go of the payment that this one replaces, and take over what is due. One that has money by now
    stays, and this one goes."""
    before = capturing.collect(replaced, now)
    if before.captured:
        settling.settle(held.payment_id, now, unwanted=True)
    else:
        before = settling.change(replaced, lambda old: Change(_replaced(old, held.payment_id)), now)
        due, complete = before.to_capture, before.all_left
        settling.change(held.payment_id, lambda new: Change(captures.due(new, due, complete)), now)
        settling.settle(replaced, now, unwanted=True)
    settling.change(held.payment_id, lambda new: Change(replace(new, relieved=True)), now)
