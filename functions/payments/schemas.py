"""What the payments API takes and gives."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from payments.domain import EventStatus, Payment, Status, StripeEvent
from shared.http import Body, View
from shared.money import Money
from shared.paging import PageQuery

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]{1,2000}$")]


class OpenPayment(Body):
    """`success_url` and `cancel_url` belong to a checkout session; a payment intent has no such page."""

    order_id: Id
    method: Literal["payment_intent", "checkout_session"] = "payment_intent"
    success_url: Url | None = None
    cancel_url: Url | None = None


class PaymentsQuery(PageQuery):
    order_id: Id


class PaymentView(View):
    """A payment. `reason` says why the last try was declined; `refunded` is what went back."""

    payment_id: str
    order_id: str
    status: Status
    amount: Money
    refunded: Money
    provider_id: str | None
    reason: str | None
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, payment: Payment) -> "PaymentView":
        return cls(
            payment_id=payment.payment_id,
            order_id=payment.order_id,
            status=payment.status,
            amount=payment.amount,
            refunded=Money(amount=payment.refunded, currency=payment.amount.currency),
            provider_id=payment.provider_id,
            reason=payment.reason,
            created_at=payment.created_at,
            updated_at=payment.updated_at,
            version=payment.version,
        )


class OpenedPaymentView(View):
    """A payment to be paid: `client_secret` goes to Stripe.js in the shopper's browser and nowhere else."""

    payment_id: str
    order_id: str
    status: Status
    amount: Money
    client_secret: str | None
    checkout_url: str | None
    provider_id: str | None

    @classmethod
    def of(cls, payment: Payment, client_secret: str | None) -> "OpenedPaymentView":
        return cls(
            payment_id=payment.payment_id,
            order_id=payment.order_id,
            status=payment.status,
            amount=payment.amount,
            client_secret=client_secret,
            checkout_url=None,
            provider_id=payment.provider_id,
        )


class WebhookReceived(View):
    received: bool = True


class WebhooksQuery(PageQuery):
    """Without `status`: what failed first, then what waits, what was applied, what was ignored."""

    status: EventStatus | None = None


class WebhookView(View):
    """A Stripe event as it is kept, without its payload."""

    event_id: str
    type: str
    object_id: str
    status: EventStatus
    reason: str | None
    attempts: int
    received_at: datetime

    @classmethod
    def of(cls, event: StripeEvent) -> "WebhookView":
        return cls(
            event_id=event.event_id,
            type=event.type,
            object_id=event.object_id,
            status=event.status,
            reason=event.reason,
            attempts=event.attempts,
            received_at=event.received_at,
        )


class ReplayAccepted(View):
    event_id: str
    status: Literal[EventStatus.RECEIVED] = EventStatus.RECEIVED
