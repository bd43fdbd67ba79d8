"""The route that opens a payment."""

from payments.domain.payments import NoSuchOrder, OrderNotPayable, PaymentRefused
from payments.schemas.requests import OpenPayment
from payments.schemas.responses import OpenedPaymentView
from payments.service import checkout
from payments.stripe_gateway import StripeUnavailable
from shared.http.identity import GUEST, Caller
from shared.http.routing import Routes
from shared.runtime import clock

routes = Routes()


@routes.post(
    "/payments",
    role=GUEST,
    status=201,
    idempotent=True,
    location="/payments/{payment_id}",
    raises=(NoSuchOrder, OrderNotPayable, PaymentRefused, StripeUnavailable),
)
def open_payment(caller: Caller, body: OpenPayment) -> OpenedPaymentView:
    """Open a payment for one of your orders, or return its active payment.

    The response has the secret for Stripe.js or the URL of Stripe's page. An active payment by the other
    method is cancelled first.
    """
    return OpenedPaymentView.of(checkout.open_payment(caller, body.order_id, body.choice(), clock.now()))
