"""Money back: each refund once, and never more than came in."""

from dataclasses import replace
from datetime import datetime

from payments import domain, stripe_gateway
from payments.domain import NoSuchPayment, Payment, Refund, RefundStatus, RefundTooLarge
from payments.service import settling
from payments.tables import payments
from shared import observe
from shared.errors import Conflict
from shared.events import RefundDueFacts
from shared.ids import derived_id
from shared.observe import log
from shared.rows import Contended


def refund_due(due: RefundDueFacts, now: datetime) -> None:
    """Give back what is due, under an id derived from its `refund_key`; only what is left of the payment,
    where a part went back by hand meanwhile.

    Its row claims the money first; a second run finds the row and goes on from there. What is refused for
    good is kept as `failed` and counted (`RefundsFailed`), for a person to look at.
    """
    refund_id = derived_id("ref", due.payment_id, due.refund_key)
    found = payments.refund(due.payment_id, refund_id)
    if found is None:
        settling.settle(due.payment_id, now)  # what was given back by hand may not be known here yet
    refund = found or _promise(Refund(refund_id, due.payment_id, due.amount.amount, due.reason), due, now)
    if refund.status is RefundStatus.REQUESTED:
        _carry_out(refund, again=found is not None, now=now)
    settling.settle(due.payment_id, now)


def follow(stripe_refund_id: str, payment_id: str, now: datetime) -> None:
    """Write what Stripe now says of a refund; nothing where it is not one of ours."""
    theirs = stripe_gateway.stripe_refund(stripe_refund_id)
    refund = payments.refund(payment_id, theirs.refund_id) if theirs.refund_id else None
    if refund and refund.status is not theirs.status and refund.status is not RefundStatus.FAILED:
        _conclude(refund, theirs.status, theirs.provider_id, now)


def _promise(refund: Refund, due: RefundDueFacts, now: datetime) -> Refund:
    """The refund, written with its money claimed: as much of it as is left; kept as failed where none is."""
    for _ in range(settling.TRIES):
        held = payments.payment(refund.payment_id)
        if held is None:
            raise NoSuchPayment("There is no such payment.")
        try:
            left = domain.left_of(_in_currency(held, due))
            asked = replace(refund, amount=min(refund.amount, left) or refund.amount)
            claimed = domain.promised(held, asked.amount)
        except Conflict as refusal:
            failed = replace(refund, status=RefundStatus.FAILED)
            payments.keep_refused(failed, now)
            _report(failed, refusal.detail)
            return failed
        if payments.promise(asked, held, claimed, now):
            if asked.amount < refund.amount:
                log.warning("less is left than is due", extra={"refund_id": refund.refund_id, "left": left})
                observe.count("RefundsCut")
            return asked
        if found := payments.refund(refund.payment_id, refund.refund_id):
            return found
    raise Contended("Others are writing the same payment; ask again.", retry_after=1)


def _in_currency(held: Payment, due: RefundDueFacts) -> Payment:
    if held.amount.currency != due.amount.currency:
        raise RefundTooLarge("The refund is in another currency than the payment.")
    return held


def _carry_out(refund: Refund, again: bool, now: datetime) -> None:
    """Have Stripe give it back; when asked `again`, look first whether it did (its memory of keys ends)."""
    held = payments.payment(refund.payment_id)
    if held is None or held.provider_id is None:
        raise NoSuchPayment("There is no such payment at Stripe.")
    try:
        theirs = stripe_gateway.find_refund(held.provider_id, refund.refund_id) if again else None
        theirs = theirs or stripe_gateway.refund(held.provider_id, refund)
    except stripe_gateway.StripeRefused as refusal:
        _conclude(refund, RefundStatus.FAILED, None, now, why=refusal.code)
    else:
        _conclude(refund, theirs.status, theirs.provider_id, now)


def _conclude(
    refund: Refund, status: RefundStatus, provider_id: str | None, now: datetime, why: str = "at Stripe"
) -> None:
    new = replace(refund, status=status, provider_id=provider_id)
    if payments.conclude(refund, new, now) and status is RefundStatus.FAILED:
        _report(refund, why)


def _report(refund: Refund, why: str) -> None:
    log.error("refund failed", extra={"refund_id": refund.refund_id, "reason": why})
    observe.count("RefundsFailed")
