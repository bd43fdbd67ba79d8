"""A payment brought in line with Stripe: the one way by which its status and its sums change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from payments import domain, stripe_gateway
from payments.domain import Intent, NoSuchPayment, Payment
from payments.tables import payments
from shared.rows import Contended

TRIES = 5


def settle(
    payment_id: str,
    now: datetime,
    *,
    intent_id: str | None = None,
    unwanted: bool = False,
    applied: str | None = None,
) -> Payment:
    """Look at Stripe's PaymentIntent and write what that means; the payment as it is then.

    Read here, then Stripe, then write under the version that was read: so a later look is never overwritten
    by an earlier one, however late or often this runs. An intent that nobody wants is cancelled on the way.

    `intent_id`: the intent, where the payment may not know it yet. `unwanted`: its order was given up.
    `applied`: the Stripe event to mark in the same transaction. Raises NoSuchPayment, StripeRefused,
    StripeUnavailable, Contended.
    """

    def look(held: Payment) -> Payment:
        wanted = replace(held, unwanted=held.unwanted or unwanted)
        known = held.provider_id or intent_id
        if known is None:
            return domain.given_up(wanted) if wanted.unwanted else wanted
        intent = stripe_gateway.intent(known)
        if domain.must_cancel(wanted, intent):
            intent = stripe_gateway.cancel(known)
        return domain.observed(wanted, intent)

    return change(payment_id, look, now, applied)


def refuse(payment: Payment, reason: str, now: datetime) -> None:
    """Stripe will not open it: it failed, unless it went on meanwhile."""
    failed = replace(payment, status=domain.Status.FAILED, reason=reason)
    payments.write(payment, failed, now)


def close(order_id: str, now: datetime) -> None:
    """The order was given up: no new payment of it begins, and a live one is cancelled where possible.

    A payment that succeeded meanwhile stays so; orders hears of it and sends the money back.
    """
    slot = payments.close(order_id)
    if slot.payment_id:
        settle(slot.payment_id, now, unwanted=True)


def of_intent(intent: Intent) -> Payment | None:
    """Our payment that the intent belongs to; None for an intent of somebody else's making."""
    held = payments.payment(intent.payment_id) if intent.payment_id else None
    return held if held and domain.is_of(held, intent) else None


def change(
    payment_id: str, rule: Callable[[Payment], Payment], now: datetime, applied: str | None = None
) -> Payment:
    """Write what `rule` makes of the payment, again with the newer one where another wrote meanwhile."""
    for _ in range(TRIES):
        held = payments.payment(payment_id)
        if held is None:
            raise NoSuchPayment("There is no such payment.")
        changed = rule(held)
        if payments.write(held, changed, now, applied):
            return changed
    raise Contended("Others are writing the same payment; ask again.", retry_after=1)
