"""Opening a payment: one active payment per order, one PaymentIntent or Checkout Session per payment."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from payments import orders_gateway, stripe_gateway
from payments.domain import checkout as rules
from payments.domain.captures import CaptureMethod
from payments.domain.checkout import Opened, PaymentChoice
from payments.domain.line_items import line_items
from payments.domain.payments import (
    OrderNotPayable,
    OrderRef,
    Payment,
    PaymentRefused,
    Replacement,
    Status,
)
from payments.domain.stripe_objects import Method, Pages, StripeRefs
from payments.service import syncing
from payments.service.syncing import Change
from payments.settings import settings
from payments.stripe_gateway import sessions
from payments.tables import active_payments, payments
from shared.contracts.events.orders import OrderData
from shared.http.identity import Caller
from shared.values.ids import new_id

MAX_PAYMENTS = 2  # payments per request; one that has ended is replaced by a new one

AWAITING_PAYMENT = "awaiting_payment"
PAID = "paid"


@stripe_gateway.within_deadline
def open_payment(caller: Caller, order_id: str, choice: PaymentChoice, now: datetime) -> Opened:
    """Return the order's active payment by the chosen method, opened if there is none. One by the other
    method is cancelled first. A paid order whose authorization expires soon may be paid again.

    Raises NoSuchOrder, OrderNotPayable, PaymentRefused, or Unavailable, in which case the same request may be
    repeated.
    """
    found = orders_gateway.order(order_id, caller.user_id)
    order = found.order
    replaced = _require_payable(order, found.payment_id, now)
    for _ in range(MAX_PAYMENTS):
        payment = _activate(order, choice, replaced, now)
        if payment.stripe.method is Method.CHECKOUT_SESSION:
            opened = _open_session(payment, order, now)
        else:
            opened = _open_intent(payment, now)
        if opened.payment.is_open:
            return opened
        if not opened.payment.is_over:
            break
    raise _not_payable(order)


def _require_payable(order: OrderData, payment_id: str | None, now: datetime) -> str | None:
    """Return the payment to replace if the order's authorization expires soon, else None. Raises
    OrderNotPayable if the order awaits no payment."""
    if order.total.amount <= 0:
        raise OrderNotPayable("There is nothing to pay for this order.", order_status=order.status)
    if order.status == PAID and payment_id:
        held = payments.payment(payment_id)
        if held and _may_be_replaced(held):
            return held.payment_id
    overdue = order.expires_at is not None and order.expires_at <= now
    if order.status != AWAITING_PAYMENT or overdue:
        raise _not_payable(order)
    return None


def _may_be_replaced(held: Payment) -> bool:
    is_expiring = held.authorization.expiry_notified and held.status is Status.AUTHORIZED
    return is_expiring and not held.captures.due


def _not_payable(order: OrderData) -> OrderNotPayable:
    return OrderNotPayable("The order does not await a payment.", order_status=order.status)


def _activate(order: OrderData, choice: PaymentChoice, replaced: str | None, now: datetime) -> Payment:
    """Return the order's active payment; create and activate a new one if there is none."""
    for _ in range(syncing.TRIES):
        active = active_payments.active_payment(order.order_id)
        if active.closed:
            break
        held = payments.payment(active.payment_id) if active.payment_id else None
        if held and not held.is_over and held.payment_id != replaced:
            if held.stripe.method is choice.method or not held.is_open:
                return held
            # Two open payments would let the shopper pay twice.
            if not syncing.cancel_for_replacement(held.payment_id, now).is_over:
                break
        created = _new_payment(order, choice, replaced, active.attempt + 1, now)
        if active_payments.activate(created, active):
            return created
    raise _not_payable(order)


def _new_payment(
    order: OrderData, choice: PaymentChoice, replaced: str | None, attempt: int, now: datetime
) -> Payment:
    pages = None
    if choice.success_url and choice.cancel_url:
        pages = Pages(choice.success_url, choice.cancel_url, rules.open_until(order.expires_at, now))
    return Payment(
        payment_id=new_id("pay"),
        order=OrderRef(order.order_id, order.number, order.user_id, order.email),
        amount=order.total,
        attempt=attempt,
        created_at=now,
        updated_at=now,
        capture_method=CaptureMethod(settings().payments_capture),
        stripe=StripeRefs(method=choice.method, pages=pages),
        replacement=Replacement(replaces=replaced),
    )


def _open_intent(payment: Payment, now: datetime) -> Opened:
    """Return the payment with its intent, which is created under its idempotency key if its id is unknown."""
    intent_id = payment.stripe.intent_id
    with _opening(payment, now):
        intent = stripe_gateway.intent(intent_id) if intent_id else stripe_gateway.open_intent(payment)
    if not (intent_id and intent.is_open):
        # Writes the intent's id. If the order ended during the call to Stripe, the row has another version,
        # and the intent is read again and cancelled.
        read = None if intent.is_repeated else (payment, intent)
        created_id = None if intent_id else intent.intent_id
        payment = syncing.sync_from_stripe(payment.payment_id, now, intent_id=created_id, read=read)
    return Opened(payment, client_secret=intent.client_secret)


def _open_session(payment: Payment, order: OrderData, now: datetime) -> Opened:
    """Return the payment with its Checkout Session, whose URLs are those of the first request."""
    pages, session_id = payment.stripe.pages, payment.stripe.session_id
    if pages is None:
        raise _not_payable(order)
    with _opening(payment, now):
        if session_id:
            session = sessions.session(session_id)
        else:
            items = line_items(order.lines, order.total, order.number)
            session = sessions.open_session(payment, pages, items)
    if not session_id:
        payment = syncing.change(
            payment.payment_id,
            lambda held: Change(replace(held, stripe=replace(held.stripe, session_id=session.session_id))),
            now,
            held=payment,
        )
    if session.is_repeated or not (session.is_open and payment.is_open):
        payment = syncing.sync_from_stripe(payment.payment_id, now)
    return Opened(payment, checkout_url=session.url)


@contextmanager
def _opening(payment: Payment, now: datetime) -> Iterator[None]:
    """End a payment that Stripe refuses or fails to create, so that the next request opens another. Raises
    PaymentRefused or StripeUnavailable."""
    try:
        yield
    except stripe_gateway.StripeRefused as refusal:
        if not payment.stripe.exists:
            syncing.mark_failed(payment, refusal.reason, now)
        raise PaymentRefused(refusal.message, code=refusal.code) from refusal
    except stripe_gateway.StripeUnavailable as failure:
        if failure.failed and not payment.stripe.exists:
            # Stripe repeats this response to the payment's idempotency key for a day.
            syncing.cancel_if_unopened(payment.payment_id, now)
        raise
