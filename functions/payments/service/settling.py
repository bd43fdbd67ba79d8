"""A payment brought in line with Stripe: the one way by which its status and its sums change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from payments import stripe_gateway
from payments.domain import payments as rules
from payments.domain import refunds as money_back
from payments.domain.payments import Intent, NoSuchPayment, Payment, Status
from payments.domain.refunds import Refund
from payments.stripe_gateway import disputes, refunds, sessions
from payments.tables import payments, slots
from payments.tables import refunds as refund_rows
from shared.dynamodb import concurrency
from shared.dynamodb.rows import ConcurrentUpdate

TRIES = 5
WAITING = ("requires_payment_method", "requires_confirmation", "requires_action")
MOST_ROWS = 90  # a transaction takes 100 writes; a later look writes the rest


@dataclass(frozen=True)
class Change:
    """What a rule makes of a payment, with the refunds that change with it."""

    payment: Payment
    refunds: Sequence[Refund] = ()


def settle(
    payment_id: str,
    now: datetime,
    *,
    intent_id: str | None = None,
    unwanted: bool = False,
    applied: str | None = None,
) -> Payment:
    """Look at Stripe and write what that means; the payment as it is then.

    Read here, then Stripe, then write under the version that was read: so a later look is never overwritten
    by an earlier one, however late or often this runs. Money that nobody wants is let go of on the way.

    `intent_id`: the intent, where the payment may not know it yet. `unwanted`: its order was given up.
    `applied`: the Stripe event to mark in the same transaction. Raises NoSuchPayment, StripeRefused,
    StripeUnavailable, ConcurrentUpdate.
    """

    def look(held: Payment) -> Change:
        wanted = replace(held, unwanted=held.unwanted or unwanted)
        seen = _intent_of(wanted, intent_id)
        if seen is None:
            return Change(rules.given_up(wanted) if wanted.unwanted else wanted)
        if rules.must_cancel(wanted, seen):
            seen = _let_go(wanted, seen)
        return _observed(wanted, seen, now)

    return change(payment_id, look, now, applied)


def make_way(payment_id: str, now: datetime) -> Payment:
    """Cancel a payment that waits for the shopper, for another to take its place; the payment as it is then.

    One by which money came, or is held or under way, stays as it is: nobody gave its order up.
    """

    def look(held: Payment) -> Change:
        seen = _intent_of(held, None)
        if seen is None:
            return Change(rules.given_up(held))
        if seen.is_open and seen.status in WAITING:
            seen = _let_go(held, seen)
        made = _observed(held, seen, now)
        over = made.payment.is_over
        return replace(made, payment=replace(made.payment, unwanted=True)) if over else made

    return change(payment_id, look, now)


def refuse(payment: Payment, reason: str, now: datetime) -> None:
    """Stripe will not open it: it failed, unless it went on meanwhile."""
    failed = replace(payment, status=Status.FAILED, reason=reason)
    payments.write(payment, failed, now)


def give_up(payment_id: str, now: datetime) -> None:
    """Make room for another payment in place of one that Stripe failed to open: nobody has what it takes to
    pay by it. One that Stripe opened after all, as is known meanwhile, stays."""

    def rule(held: Payment) -> Change:
        return Change(held if held.provider_id or held.session_id else rules.given_up(held))

    change(payment_id, rule, now)


@stripe_gateway.patiently
def close(order_id: str, now: datetime) -> None:
    """The order was given up: no new payment of it begins, and live ones are cancelled where possible.

    A payment that succeeded meanwhile stays so; orders hears of it and sends the money back.
    """
    slot = slots.close(order_id)
    payment_id = slot.payment_id
    while payment_id:
        payment_id = settle(payment_id, now, unwanted=True).replaces


def of_intent(intent: Intent) -> Payment | None:
    """Our payment that the intent belongs to; None for an intent of somebody else's making."""
    held = payments.payment(intent.payment_id) if intent.payment_id else None
    return held if held and rules.is_of(held, intent) else None


def change(
    payment_id: str, rule: Callable[[Payment], Change], now: datetime, applied: str | None = None
) -> Payment:
    """Write what `rule` makes of the payment, again with the newer one where another wrote meanwhile."""
    for _ in concurrency.backoff(TRIES, max_doublings=3):
        held = payments.payment(payment_id)
        if held is None:
            raise NoSuchPayment("There is no such payment.")
        made = rule(held)
        try:
            if payments.write(held, made.payment, now, applied, made.refunds[:MOST_ROWS]):
                return made.payment
        except ConcurrentUpdate:  # another's transaction is at the same row at this moment
            continue
    raise ConcurrentUpdate


def _intent_of(payment: Payment, intent_id: str | None) -> Intent | None:
    """What Stripe knows of it; None where it knows nothing yet. A page that is no longer open cannot be paid
    on, whatever its intent says."""
    known = payment.provider_id or intent_id
    seen = stripe_gateway.intent(known) if known else None
    if payment.session_id is None or (seen and seen.status not in WAITING):
        return seen
    page = sessions.session(payment.session_id)
    if page.intent_id and (seen is None or not page.is_open):
        # The page may have been paid after its intent was looked at.
        seen = stripe_gateway.intent(page.intent_id)
    return _on_page(seen, page)


def _on_page(seen: Intent | None, page: sessions.Session) -> Intent:
    """A page takes one payment: once it is complete or expired, an intent that waits is waiting in vain."""
    seen = seen or Intent(None, "requires_payment_method")
    return replace(seen, closed=seen.status in WAITING and not page.is_open)


def _let_go(payment: Payment, seen: Intent) -> Intent:
    """Have nothing more come in; what Stripe says then. A page must be closed, for its intent cannot be
    cancelled before it holds money (https://docs.stripe.com/api/payment_intents/cancel)."""
    if payment.session_id and seen.status != "requires_capture":
        sessions.expire(payment.session_id)
        return _intent_of(payment, seen.intent_id) or seen
    if seen.intent_id is None:
        return seen
    if seen.amount_received:
        return stripe_gateway.release(seen.intent_id)
    return stripe_gateway.cancel(seen.intent_id)


def _observed(payment: Payment, seen: Intent, now: datetime) -> Change:
    """What a look means, with what more there is to ask for: refunds and disputes, where there are any."""
    before: list[Refund] = []
    after: list[Refund] = []
    counted = payment
    if seen.intent_id and (seen.amount_refunded or payment.promised):
        before = refund_rows.refunds_of(payment.payment_id)
        after = money_back.merged(payment, before, refunds.refunds_of(seen.intent_id), now)
        counted = money_back.counted(payment, before, after)
    found = disputes.disputes_of(seen.intent_id) if seen.intent_id and seen.disputed else None
    return Change(rules.observed(counted, seen, found), [each for each in after if each not in before])
