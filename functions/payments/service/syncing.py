"""Synchronization with Stripe: the only code that changes a payment's status and amounts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from payments import stripe_gateway
from payments.domain import payments as rules
from payments.domain import refunds as refund_rules
from payments.domain.payments import NoSuchPayment, Payment, Status
from payments.domain.refunds import Refund
from payments.domain.stripe_objects import Intent
from payments.stripe_gateway import disputes, refunds, sessions
from payments.tables import active_payments, payments
from payments.tables import refunds as refund_rows
from shared.contracts.events.orders import OrderData
from shared.dynamodb import concurrency
from shared.dynamodb.rows import ConcurrentUpdate

TRIES = 5  # tries; a webhook and a request may synchronize one payment at once
MAX_DOUBLINGS = 3  # doublings; the last pause is at most 160 ms, so all tries end within a request
AWAITING_SHOPPER = ("requires_payment_method", "requires_confirmation", "requires_action")
# refunds per transaction; it has at most 100 writes, and the next synchronization writes the rest
MAX_REFUND_ROWS = 90


@dataclass(frozen=True)
class Change:
    """The new state of a payment, with the refunds that change with it."""

    payment: Payment
    refunds: Sequence[Refund] = ()


class ForeignIntent(Exception):
    """The intent does not belong to the payment that its metadata names."""


def sync_from_stripe(
    payment_id: str,
    now: datetime,
    *,
    intent_id: str | None = None,
    read: tuple[Payment, Intent] | None = None,
    cancel: bool = False,
    applied: str | None = None,
) -> Payment:
    """Read the payment's objects from Stripe, write their state, and return the payment.

    The row is read before Stripe, and written under the version that was read. A newer state is therefore
    never overwritten by an older one, however late or often this runs. An authorization or an open intent of
    an ended payment is voided on the way.

    `intent_id` is the intent if the payment may not know it yet. `read` is the row and then its intent, if
    the caller has read both in this order; they are read again after a version conflict. `cancel` requests
    the payment's cancellation, `applied` is the Stripe event to mark in the same transaction. Raises
    NoSuchPayment, ForeignIntent, StripeRefused, StripeUnavailable or ConcurrentUpdate.
    """

    def sync(held: Payment) -> Change:
        intent = read[1] if read and held is read[0] else _read_intent(held, intent_id)
        if intent and intent_id:
            _require_owned(held, intent_id, intent)
        held = replace(held, cancel_requested=held.cancel_requested or cancel)
        if intent is None:
            return Change(rules.cancel_unopened(held) if held.cancel_requested else held)
        if rules.must_cancel(held, intent):
            intent = _void(held, intent)
        return _observe(held, intent, now)

    return change(payment_id, sync, now, applied=applied, held=read[0] if read else None)


def cancel_for_replacement(payment_id: str, now: datetime) -> Payment:
    """Cancel a payment that awaits the shopper, so that another can take its place, and return it.

    A payment that is captured, authorized or processing stays, because its order has not ended.
    """

    def cancel(held: Payment) -> Change:
        intent = _read_intent(held, None)
        if intent is None:
            return Change(rules.cancel_unopened(held))
        if intent.is_open and intent.status in AWAITING_SHOPPER:
            intent = _void(held, intent)
        observed = _observe(held, intent, now)
        if not observed.payment.is_over:
            return observed
        return replace(observed, payment=replace(observed.payment, cancel_requested=True))

    return change(payment_id, cancel, now)


def mark_failed(payment: Payment, reason: str, now: datetime) -> None:
    """Write that Stripe refused to create the payment, unless another request changed it since."""
    payments.write(payment, replace(payment, status=Status.FAILED, reason=reason), now)


def cancel_if_unopened(payment_id: str, now: datetime) -> None:
    """Cancel a payment that Stripe failed to create: nobody has the secret to pay it. It stays if Stripe is
    known to have created it after all."""

    def cancel(held: Payment) -> Change:
        return Change(held if held.stripe.exists else rules.cancel_unopened(held))

    change(payment_id, cancel, now)


@stripe_gateway.within_deadline
def close_order(order: OrderData, now: datetime) -> None:
    """Let an ended order accept no more payments, and cancel its open ones.

    A payment that succeeded meanwhile stays; orders receives its event and requests the refund.
    """
    payment_id = active_payments.close(order.order_id).payment_id
    while payment_id:
        payment_id = sync_from_stripe(payment_id, now, cancel=True).replacement.replaces


def change(
    payment_id: str,
    rule: Callable[[Payment], Change],
    now: datetime,
    *,
    applied: str | None = None,
    held: Payment | None = None,
) -> Payment:
    """Write the result of `rule` and return it; repeat with the newer row if another request changed it.

    `held` is the row if it was read. Raises NoSuchPayment or ConcurrentUpdate.
    """
    for _ in concurrency.backoff(TRIES, MAX_DOUBLINGS):
        held = held or payments.payment(payment_id)
        if held is None:
            raise NoSuchPayment("The payment does not exist.")
        changed = rule(held)
        try:
            if payments.write(held, changed.payment, now, applied, changed.refunds[:MAX_REFUND_ROWS]):
                return changed.payment
        except ConcurrentUpdate:  # another transaction holds the row
            pass
        held = None
    raise ConcurrentUpdate


def _require_owned(payment: Payment, intent_id: str, intent: Intent) -> None:
    if not rules.owns_intent(payment, intent_id, intent.payment_id, intent.order_id):
        raise ForeignIntent(intent_id)


def _read_intent(payment: Payment, intent_id: str | None) -> Intent | None:
    """Return the payment's intent; None if Stripe has none. An intent of a Checkout Session that is not open
    cannot be paid, whatever its status."""
    known = intent_id or payment.stripe.intent_id
    intent = stripe_gateway.intent(known) if known else None
    if payment.stripe.session_id is None or (intent and intent.status not in AWAITING_SHOPPER):
        return intent
    session = sessions.session(payment.stripe.session_id)
    if session.intent_id and (intent is None or not session.is_open):
        # The session may have been paid after its intent was read.
        intent = stripe_gateway.intent(session.intent_id)
    intent = intent or Intent(None, "requires_payment_method")
    return replace(intent, closed=intent.status in AWAITING_SHOPPER and not session.is_open)


def _void(payment: Payment, intent: Intent) -> Intent:
    """Make the intent accept and hold no more money; return it. A session must be expired, because its intent
    cannot be cancelled before it is authorized (https://docs.stripe.com/api/payment_intents/cancel)."""
    if payment.stripe.session_id and intent.status != "requires_capture":
        sessions.expire(payment.stripe.session_id)
        return _read_intent(payment, intent.intent_id) or intent
    if intent.intent_id is None:
        return intent
    if intent.amount_received:
        return stripe_gateway.release(intent.intent_id)
    return stripe_gateway.cancel(intent.intent_id)


def _observe(payment: Payment, intent: Intent, now: datetime) -> Change:
    """Return the payment in the intent's state, with its refunds and disputes read if there are any."""
    before: list[Refund] = []
    after: list[Refund] = []
    counted = payment
    if intent.intent_id and (intent.amount_refunded or payment.refunds.reserved):
        before = refund_rows.refunds_of(payment.payment_id)
        theirs = refunds.refunds_of(intent.intent_id) if intent.refunds is None else intent.refunds
        after = refund_rules.merge(payment.payment_id, before, theirs, now)
        counted = replace(payment, refunds=payment.refunds.with_changes(before, after))
    found = disputes.disputes_of(intent.intent_id) if intent.intent_id and intent.disputed else None
    return Change(rules.observe(counted, intent, found), [each for each in after if each not in before])
