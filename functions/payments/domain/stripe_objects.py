"""The Stripe objects of a payment: its PaymentIntent and its Checkout Session."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from payments.domain.refunds import StripeRefund


class Method(StrEnum):
    """The page on which the shopper pays: the shop's or Stripe's."""

    PAYMENT_INTENT = "payment_intent"
    CHECKOUT_SESSION = "checkout_session"


@dataclass(frozen=True)
class Pages:
    """Where Stripe's page sends the shopper, and until when it accepts the payment."""

    success_url: str
    cancel_url: str
    open_until: datetime


@dataclass(frozen=True)
class StripeRefs:
    """The ids of a payment's Stripe objects; `pages` belong to a Checkout Session."""

    intent_id: str | None = None
    session_id: str | None = None
    method: Method = Method.PAYMENT_INTENT
    pages: Pages | None = None

    @property
    def exists(self) -> bool:
        """Whether a PaymentIntent or a Checkout Session is known."""
        return bool(self.intent_id or self.session_id)


@dataclass(frozen=True)
class Decline:
    """A declined payment attempt; `decline_id` distinguishes attempts, `code` is Stripe's code."""

    decline_id: str
    code: str


@dataclass(frozen=True)
class Intent:
    """Stripe's PaymentIntent with its latest charge; amounts in minor units.

    `intent_id` is None while a Checkout Session has none. `amount_refunded` is the charge's total, `refunds`
    its refunds, or None if Stripe did not return all of them. `hold_until` is when an uncaptured
    authorization expires. `closed` means that its Checkout Session accepts no payment any more. `is_repeated`
    means that Stripe repeated an earlier response, so that it may be outdated.
    """

    intent_id: str | None
    status: str
    amount_received: int = 0
    amount_refunded: int = 0
    decline: Decline | None = None
    order_id: str | None = None
    payment_id: str | None = None
    client_secret: str | None = None
    amount_capturable: int = 0
    hold_until: datetime | None = None
    multicapture: bool = False
    disputed: bool = False
    review: str | None = None
    closed: bool = False
    refunds: tuple[StripeRefund, ...] | None = None
    is_repeated: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it can still be paid or captured."""
        return self.status not in ("canceled", "succeeded") and not self.closed
