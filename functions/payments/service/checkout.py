"""Opening a payment: one live one an order, one PaymentIntent or page a payment, whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from payments import orders_gateway, stripe_gateway
from payments.domain import checkout as rules
from payments.domain.checkout import Opened, Wish
from payments.domain.payments import (
    Capture,
    Method,
    NoSuchOrder,
    OrderNotPayable,
    Pages,
    Payment,
    PaymentRefused,
    Status,
)
from payments.service import settling
from payments.service.settling import Change
from payments.settings import settings
from payments.stripe_gateway import sessions
from payments.tables import payments, slots
from shared.contracts.events import OrderData
from shared.http.identity import Caller
from shared.values.ids import new_id

AWAITING_PAYMENT = "awaiting_payment"
PAID = "paid"


@stripe_gateway.patiently
def open_payment(caller: Caller, order_id: str, wish: Wish, now: datetime) -> Opened:
    """The order's live payment by the method that is wished for, opened where there is none; one by the other
    method is cancelled first. A paid order whose hold runs out may be paid anew.

    Raises NoSuchOrder, OrderNotPayable, PaymentRefused, or Unavailable: then the same call goes on from where
    it stopped.
    """
    asked = orders_gateway.order(order_id)
    order = asked.order
    if caller.user_id != order.user_id:
        raise NoSuchOrder("There is no such order.")
    replaced = _require_payable(order, asked.payment_id, now)
    for _ in range(2):  # one that turns out to be over makes room for another
        payment = _live(order, wish, replaced, now)
        on_page = payment.method is Method.CHECKOUT_SESSION
        opened = _on_page(payment, order, now) if on_page else _intent(payment, now)
        if opened.payment.is_open:
            return opened
        if not opened.payment.is_over:
            break
    raise _not_payable(order)


def _require_payable(order: OrderData, payment_id: str | None, now: datetime) -> str | None:
    """Raise OrderNotPayable where the order wants no money. The payment to replace, where it has one that is
    held and runs out."""
    if order.total.amount <= 0:
        raise OrderNotPayable("There is nothing to pay for this order.", order_status=order.status)
    if order.status == PAID and payment_id:
        held = payments.payment(payment_id)
        if held and held.expiring and held.status is Status.AUTHORIZED and not held.to_capture:
            return held.payment_id
    overdue = order.expires_at is not None and order.expires_at <= now
    if order.status != AWAITING_PAYMENT or overdue:
        raise _not_payable(order)
    return None


def _not_payable(order: OrderData) -> OrderNotPayable:
    return OrderNotPayable("The order is not waiting for a payment (any more).", order_status=order.status)


def _live(order: OrderData, wish: Wish, replaced: str | None, now: datetime) -> Payment:
    """The payment in the order's slot, put there if the slot is free."""
    for _ in range(settling.TRIES):
        slot = slots.slot(order.order_id)
        if slot.closed:
            break
        held = payments.payment(slot.payment_id) if slot.payment_id else None
        if held and not held.is_over and held.payment_id != replaced:
            if held.method is wish.method or not held.is_open:
                return held
            # The other method's is not left open beside this one, or the shopper could pay twice.
            if not settling.make_way(held.payment_id, now).is_over:
                break
        fresh = _fresh(order, wish, replaced, slot.attempt + 1, now)
        if slots.begin(fresh, slot):
            return fresh
    raise _not_payable(order)


def _fresh(order: OrderData, wish: Wish, replaced: str | None, attempt: int, now: datetime) -> Payment:
    pages = None
    if wish.success_url and wish.cancel_url:
        pages = Pages(wish.success_url, wish.cancel_url, rules.open_until(order.expires_at, now))
    return Payment(
        payment_id=new_id("pay"),
        order_id=order.order_id,
        number=order.number,
        user_id=order.user_id,
        email=order.email,
        amount=order.total,
        attempt=attempt,
        created_at=now,
        updated_at=now,
        method=wish.method,
        capture=Capture(settings().payments_capture),
        pages=pages,
        replaces=replaced,
    )


def _intent(payment: Payment, now: datetime) -> Opened:
    """The payment with its intent: retrieved where its id is known, else made (or found) under its key."""
    with _opening(payment, now):
        intent = (
            stripe_gateway.intent(payment.provider_id)
            if payment.provider_id
            else stripe_gateway.open_intent(payment)
        )
    if not (payment.provider_id and intent.is_open):
        # Writes the provider's id; and where the order was given up while Stripe was asked, cancels again.
        payment = settling.settle(payment.payment_id, now, intent_id=intent.intent_id)
    return Opened(payment, client_secret=intent.client_secret)


def _on_page(payment: Payment, order: OrderData, now: datetime) -> Opened:
    """The payment with Stripe's page for it. Its addresses are those of the first request for it."""
    if payment.pages is None:
        raise _not_payable(order)
    with _opening(payment, now):
        page = (
            sessions.session(payment.session_id)
            if payment.session_id
            else sessions.open_session(
                payment, payment.pages, rules.items(order.lines, order.total, order.number)
            )
        )
    if not payment.session_id:
        settling.change(
            payment.payment_id, lambda held: Change(replace(held, session_id=page.session_id)), now
        )
    if not (payment.session_id and page.is_open):
        payment = settling.settle(payment.payment_id, now)
    return Opened(payment, checkout_url=page.url)


@contextmanager
def _opening(payment: Payment, now: datetime) -> Iterator[None]:
    """What Stripe's no means for a payment that it does not know yet: this one is over, and the next call
    opens another. Raises PaymentRefused, StripeUnavailable."""
    unknown = not payment.provider_id and not payment.session_id
    try:
        yield
    except stripe_gateway.StripeRefused as refusal:
        if unknown:
            settling.refuse(payment, refusal.message, now)
        raise PaymentRefused(refusal.message, code=refusal.code) from refusal
    except stripe_gateway.StripeUnavailable as failure:
        if unknown and failure.failed:
            # It would be the answer under this payment's key for a day.
            settling.give_up(payment.payment_id, now)
        raise
