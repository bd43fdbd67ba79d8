"""Opening a payment: one live one an order, one PaymentIntent a payment, whatever happens."""

from dataclasses import dataclass
from datetime import datetime

from payments import orders_gateway, stripe_gateway
from payments.domain import Intent, NoSuchOrder, OrderNotPayable, Payment, PaymentRefused
from payments.service import settling
from payments.service.reading import may_see
from payments.tables import payments
from shared.events import OrderFacts
from shared.identity import Caller
from shared.ids import new_id

AWAITING_PAYMENT = "awaiting_payment"


@dataclass(frozen=True)
class Opened:
    """A payment with what the shopper's browser needs to pay it."""

    payment: Payment
    client_secret: str | None


def open_payment(caller: Caller, order_id: str, now: datetime) -> Opened:
    """The order's live payment, opened where there is none.

    Raises NoSuchOrder, OrderNotPayable, PaymentRefused, or Unavailable: then the same call goes on from where
    it stopped.
    """
    order = orders_gateway.order(order_id)
    if not may_see(caller, order.user_id):
        raise NoSuchOrder("There is no such order.")
    _require_payable(order, now)
    payment = _live(order, now)
    intent = _intent_of(payment, now)
    if not (payment.provider_id and intent.is_open):
        # Writes the provider's id; and where the order was given up while Stripe was asked, cancels again.
        payment = settling.settle(payment.payment_id, now, intent_id=intent.intent_id)
    if not payment.is_open:
        raise _not_payable(order)
    return Opened(payment, intent.client_secret)


def _require_payable(order: OrderFacts, now: datetime) -> None:
    overdue = order.expires_at is not None and order.expires_at <= now
    if order.status != AWAITING_PAYMENT or overdue:
        raise _not_payable(order)
    if order.total.amount <= 0:
        raise OrderNotPayable("There is nothing to pay for this order.", order_status=order.status)


def _not_payable(order: OrderFacts) -> OrderNotPayable:
    return OrderNotPayable("The order is not waiting for a payment (any more).", order_status=order.status)


def _live(order: OrderFacts, now: datetime) -> Payment:
    """The payment in the order's slot, put there if the slot is free."""
    for _ in range(settling.TRIES):
        slot = payments.slot(order.order_id)
        if slot.closed:
            break
        held = payments.payment(slot.payment_id) if slot.payment_id else None
        if held and not held.is_over:
            return held
        fresh = Payment(
            payment_id=new_id("pay"),
            order_id=order.order_id,
            user_id=order.user_id,
            email=order.email,
            amount=order.total,
            attempt=slot.attempt + 1,
            created_at=now,
            updated_at=now,
        )
        if payments.begin(fresh, slot):
            return fresh
    raise _not_payable(order)


def _intent_of(payment: Payment, now: datetime) -> Intent:
    """The payment's intent: retrieved where its id is known, else made (or found) under its derived key."""
    if payment.provider_id:
        return stripe_gateway.intent(payment.provider_id)
    try:
        return stripe_gateway.open_intent(payment)
    except stripe_gateway.StripeRefused as refusal:
        settling.refuse(payment, refusal.message, now)
        raise PaymentRefused(refusal.message, code=refusal.code) from refusal
