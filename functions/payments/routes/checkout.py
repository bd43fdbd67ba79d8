"""Opening a payment."""

from payments.schemas import OpenedPaymentView, OpenPayment
from payments.service import checkout
from shared import clock
from shared.errors import invalid
from shared.http import Routes
from shared.identity import GUEST, Caller

routes = Routes()


@routes.post("/payments", role=GUEST, status=201, idempotent=True)
def open_payment(caller: Caller, body: OpenPayment) -> OpenedPaymentView:
    """Pay for one of your orders: its live payment, with what Stripe.js needs to collect it."""
    if body.method == "checkout_session":
        raise invalid("/method", "checkout_session is not offered yet; use payment_intent.")
    opened = checkout.open_payment(caller, body.order_id, clock.now())
    return OpenedPaymentView.of(opened.payment, opened.client_secret)
