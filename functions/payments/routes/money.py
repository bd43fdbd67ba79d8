"""The routes by which staff capture and refund."""

from payments.domain.captures import CaptureRefused, CaptureTooLarge, NothingToCapture
from payments.domain.payments import NoSuchPayment
from payments.domain.refunds import PaymentDisputed, RefundRefused, RefundTooLarge
from payments.schemas.requests import CapturePayment, RefundPayment
from payments.schemas.responses import PaymentView, RefundView
from payments.service import captures, refunds
from payments.stripe_gateway import StripeUnavailable
from shared.dynamodb.idempotency import IdempotencyKey
from shared.http.identity import STAFF, Caller
from shared.http.routing import Routes
from shared.runtime import clock

routes = Routes()


@routes.post(
    "/payments/{payment_id}/capture",
    role=STAFF,
    idempotent=True,
    raises=(NoSuchPayment, NothingToCapture, CaptureTooLarge, CaptureRefused, StripeUnavailable),
)
def capture_payment(
    caller: Caller, payment_id: str, body: CapturePayment, key: IdempotencyKey
) -> PaymentView:
    """Capture the authorized amount, or a part of it."""
    return PaymentView.of(captures.capture(payment_id, key.pk, body.amount, clock.now()), caller)


@routes.post(
    "/payments/{payment_id}/refunds",
    role=STAFF,
    status=201,
    idempotent=True,
    raises=(NoSuchPayment, RefundTooLarge, RefundRefused, PaymentDisputed, StripeUnavailable),
)
def refund_payment(payment_id: str, body: RefundPayment, key: IdempotencyKey) -> RefundView:
    """Refund the refundable amount, or a part of it."""
    created = refunds.create_refund(payment_id, key.pk, body.amount, body.reason, clock.now())
    return RefundView.of(created.refund, created.currency)
