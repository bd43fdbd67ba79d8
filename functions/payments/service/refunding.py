"""Money back: each refund once, and never more than came in."""

from dataclasses import dataclass, replace
from datetime import datetime

from payments import stripe_gateway
from payments.domain import holds
from payments.domain import refunds as rules
from payments.domain.payments import NoSuchPayment, Payment, require_its_currency
from payments.domain.refunds import PaymentDisputed, Refund, RefundRefused, RefundStatus
from payments.service import capturing, settling
from payments.service.settling import Change
from payments.stripe_gateway import StripeRefused
from payments.stripe_gateway import refunds as stripe_refunds
from payments.tables import payments
from payments.tables import refunds as rows
from shared.contracts.events import RefundDueData
from shared.errors import Unavailable
from shared.runtime import observability
from shared.runtime.observability import log
from shared.values.money import Money


@dataclass(frozen=True)
class Given:
    """A refund with its payment's currency."""

    refund: Refund
    currency: str


@stripe_gateway.patiently
def refund_due(due: RefundDueData, now: datetime) -> None:
    """Give back what is due, once for its `refund_key`; only what is left of the payment, where a part went
    back by hand meanwhile. Of a payment by which nothing came in, what is held is let go.

    Its row claims the money first; a second run finds the row and goes on from there. What cannot be given
    back is kept as `failed` and counted (`RefundsFailed`), for a person to look at. While a chargeback is
    open the row waits. Raises Unavailable where it is for a part of goods that are not paid for yet.
    """
    if _of_key(due.payment_id, due.refund_key) is None:
        held = settling.settle(due.payment_id, now)  # what was given back by hand may not be known here yet
        if holds.owes_capture(held):
            held = capturing.collect(due.payment_id, now)
        if not held.captured and due.amount.amount < held.secured:
            raise Unavailable("The goods are not paid for yet; what is due back for a part of them waits.")
        if not held.captured:
            held = settling.settle(due.payment_id, now, unwanted=True)
        if not held.captured:
            return
        settling.change(due.payment_id, lambda held: _claimed(held, due, now), now)
    carry_out(due.payment_id, now)


@stripe_gateway.patiently
def give_back(payment_id: str, key: str, amount: Money | None, reason: str, now: datetime) -> Given:
    """A refund as staff ask for it, once a `key`: `amount`, or all that is left.

    Raises NoSuchPayment, Invalid, RefundTooLarge (`left` says how much may go), PaymentDisputed,
    RefundRefused, or StripeUnavailable: then it is carried out later, or when it is asked for again.
    """
    if _of_key(payment_id, key) is None:
        settling.settle(payment_id, now)
        settling.change(payment_id, lambda held: _asked(held, key, amount, reason, now), now)
    asked = _of_key(payment_id, key)
    why = carry_out(payment_id, now, only=asked.refund_id if asked else "")
    made, held = _of_key(payment_id, key), payments.payment(payment_id)
    if held is None or made is None or made.status is RefundStatus.FAILED:
        raise RefundRefused(
            why or "Stripe could not give it back.", refund_id=made.refund_id if made else None
        )
    return Given(made, held.amount.currency)


def carry_out(payment_id: str, now: datetime, only: str | None = None) -> str | None:
    """Have Stripe give back what waits (of it `only` one refund); why the last of it was refused, if it was.

    A look comes first: Stripe's memory of idempotency keys ends after a day, its refunds stay.
    """
    held, why = settling.settle(payment_id, now), None
    if not held.waiting or held.is_frozen:
        return None
    for refund in rows.refunds_of(payment_id):
        if refund.status is RefundStatus.REQUESTED and only in (None, refund.refund_id):
            why = _give(held, refund, now)
            held = settling.settle(payment_id, now)
    return why


def _give(held: Payment, refund: Refund, now: datetime) -> str | None:
    """Ask Stripe for one refund; why it was refused, if it was."""
    if held.provider_id is None:
        raise NoSuchPayment("There is no such payment at Stripe.")
    room = rules.room_for(held, refund)
    if not room:
        _conclude(refund, replace(refund, status=RefundStatus.FAILED, settled=True), now, "nothing is left")
        return "Empty is left of what was captured."
    if room < refund.amount:
        _cut(refund, room)
        cut = replace(refund, amount=room)
        _conclude(refund, cut, now)
        refund = cut
    try:
        stripe_refunds.give_back(held.provider_id, refund)
    except StripeRefused as refusal:
        # A look tells whether it happened after all, or whether a chargeback forbids it for now.
        after = settling.settle(refund.payment_id, now)
        found = rows.refund(refund.payment_id, refund.refund_id)
        if after.is_frozen or found is None or found.status is not RefundStatus.REQUESTED:
            return None
        settled = not rules.room_for(after, refund)
        failed = replace(refund, status=RefundStatus.FAILED, settled=settled)
        _conclude(refund, failed, now, refusal.code)
        return refusal.message
    return None


def _of_key(payment_id: str, key: str) -> Refund | None:
    return rules.of_key(rows.refunds_of(payment_id), payment_id, key)


def _claimed(held: Payment, due: RefundDueData, now: datetime) -> Change:
    """The refund that is due, with its money claimed: as much as is left; as failed where none is."""
    if _of_key(held.payment_id, due.refund_key):
        return Change(held)
    refund_id = rules.new_id(held.payment_id, due.refund_key, now)
    refund = Refund(refund_id, held.payment_id, due.amount.amount, due.reason, now)
    left = rules.left_of(held) if due.amount.currency == held.amount.currency else 0
    if not left:
        _report(refund, "nothing is left")
        return Change(held, [replace(refund, status=RefundStatus.FAILED, settled=True)])
    if left < refund.amount:
        _cut(refund, left)
    return _with(held, replace(refund, amount=min(left, refund.amount)))


def _asked(held: Payment, key: str, amount: Money | None, reason: str, now: datetime) -> Change:
    if _of_key(held.payment_id, key):
        return Change(held)
    if held.is_frozen:
        raise PaymentDisputed("A chargeback is open: nothing can be given back until it is decided.")
    require_its_currency(held, amount)
    wanted = rules.left_of(held) if amount is None else amount.amount
    rules.require_left(held, wanted)
    refund_id = rules.new_id(held.payment_id, key, now)
    return _with(held, Refund(refund_id, held.payment_id, wanted, reason, now))


def _with(held: Payment, refund: Refund) -> Change:
    """A new refund, its money claimed."""
    claimed = replace(held, promised=held.promised + refund.amount, waiting=held.waiting + refund.amount)
    return Change(claimed, [refund])


def _conclude(old: Refund, new: Refund, now: datetime, why: str = "") -> None:
    """Write what became of a refund that waits, unless a look did so meanwhile."""
    written: list[Refund] = []

    def rule(held: Payment) -> Change:
        before = rows.refunds_of(old.payment_id)
        written[:] = [new] if old in before else []
        if not written:
            return Change(held)
        after = [new if each == old else each for each in before]
        return Change(rules.counted(held, before, after), [new])

    settling.change(old.payment_id, rule, now)
    if written and new.status is RefundStatus.FAILED:
        _report(new, why)


def _cut(refund: Refund, left: int) -> None:
    log.warning("less is left than is due", extra={"refund_id": refund.refund_id, "left": left})
    observability.count("RefundsCut")


def _report(refund: Refund, why: str) -> None:
    log.error("refund failed", extra={"refund_id": refund.refund_id, "reason": why})
    observability.count("RefundsFailed")
