"""Money that staff move: captured, or given back."""

from payments.schemas import CapturePayment, PaymentView, RefundPayment, RefundView
from payments.service import capturing, refunding
from shared.dynamodb.idempotency import IdempotencyKey
from shared.http.identity import STAFF
from shared.http.routing import Routes
from shared.runtime import clock

routes = Routes()


@routes.post("/payments/{payment_id}/capture", role=STAFF, idempotent=True)
def capture_payment(payment_id: str, body: CapturePayment, key: IdempotencyKey) -> PaymentView:
    """Take what is held on the card, or a part of it."""
    return PaymentView.of(capturing.capture(payment_id, key.pk, body.amount, clock.now()))


@routes.post("/payments/{payment_id}/refunds", role=STAFF, status=201, idempotent=True)
def refund_payment(payment_id: str, body: RefundPayment, key: IdempotencyKey) -> RefundView:
    """Give back what was captured, or a part of it; never more than is left."""
    made = refunding.give_back(payment_id, key.pk, body.amount, body.reason, clock.now())
    return RefundView.of(made.refund, made.currency)
