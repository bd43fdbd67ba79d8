"""Requests of the payments API."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from payments.domain.checkout import PaymentChoice
from payments.domain.inbox import EventStatus
from payments.domain.stripe_objects import Method
from shared.contracts.reasons import RefundReason
from shared.errors import invalid
from shared.http.paging import PageQuery
from shared.http.routing import Body
from shared.values.money import Money
from shared.values.text import MAX_LINE_LENGTH, SINGLE_LINE
from shared.values.timestamps import Timestamp

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


# Stripe's page redirects the shopper to it: HTTPS, or the developer's own machine.
Url = Annotated[
    str,
    StringConstraints(
        max_length=2_048,
        pattern=r"^(https://[A-Za-z0-9.-]+|http://(localhost|127\.0\.0\.1))(:[0-9]{1,5})?([/?#][^\x00-\x20\x7f]*)?$",
    ),
]


class PositiveMoney(Money):
    """The amount to capture or refund."""

    amount: Annotated[int, Field(ge=1, le=10**12)]


class OpenPayment(Body):
    """The payment to open. A checkout session requires `success_url` and `cancel_url`; a payment intent
    ignores them."""

    order_id: Id
    method: Literal["payment_intent", "checkout_session"] = "payment_intent"
    success_url: Url | None = None
    cancel_url: Url | None = None

    def choice(self) -> PaymentChoice:
        """Return the requested method. Raises Invalid if a URL is missing."""
        method = Method(self.method)
        for name in ("success_url", "cancel_url") if method is Method.CHECKOUT_SESSION else ():
            if getattr(self, name) is None:
                raise invalid(f"/{name}", "A checkout session requires this URL.")
        return PaymentChoice(method, self.success_url, self.cancel_url)


class CapturePayment(Body):
    """The capture. `amount` defaults to the full authorized amount. If the card allows one capture only,
    the rest is released."""

    amount: PositiveMoney | None = None


class RefundPayment(Body):
    """The refund. `amount` defaults to the refundable amount. `reason` is a code or a text of staff."""

    amount: PositiveMoney | None = None
    reason: Annotated[str, StringConstraints(pattern=SINGLE_LINE, max_length=MAX_LINE_LENGTH)] = (
        RefundReason.REQUESTED_BY_STAFF.value
    )


class PaymentsQuery(PageQuery):
    order_id: Id


class WebhooksQuery(PageQuery):
    """Without `status`: failed events first, then received, applied and ignored ones."""

    status: EventStatus | None = None


class RequestReconciliation(Body):
    """The window to compare. `since` defaults to the end of the last reconciliation, and once a day to 35
    days ago."""

    since: Timestamp | None = None
