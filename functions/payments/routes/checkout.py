"""Opening a payment."""

from payments.schemas import OpenedPaymentView, OpenPayment
from payments.service import checkout
from shared.http.identity import GUEST, Caller
from shared.http.routing import Routes
from shared.runtime import clock

routes = Routes()


@routes.post("/payments", role=GUEST, status=201, idempotent=True)
def open_payment(caller: Caller, body: OpenPayment) -> OpenedPaymentView:
    """Pay for one of your orders: its live payment, with what Stripe.js needs, or Stripe's page.

    Asked for by the other method, the live payment is cancelled first.
    """
    return OpenedPaymentView.of(checkout.open_payment(caller, body.order_id, body.wish(), clock.now()))
