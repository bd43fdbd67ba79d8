"""Messages about a payment."""

from datetime import datetime
from typing import Any

from notify.domain.messages import Message, Template
from shared.contracts.events.payments import (
    PaymentData,
    PaymentExpiring,
    PaymentFailed,
    PaymentRefunded,
    PaymentRefundFailed,
)
from shared.values.text import one_line


def failed(event: PaymentFailed) -> Message:
    """Return the message, one per decline. The confirmation of an order does not supersede the decline of
    a payment that replaces an earlier one: it confirmed the earlier payment."""
    payment = event.data
    return _message(
        Template.PAYMENT_FAILED,
        event.id,
        payment,
        {"amount": payment.amount, "reason": payment.reason},
        not_superseded_by=(Template.ORDER_CONFIRMATION,) if payment.replaces else (),
    )


def reauthorize(event: PaymentExpiring) -> Message:
    """Return the message, one per payment. It is not sent after the authorization expired, because the order
    cannot be paid again then."""
    payment = event.data
    return _message(
        Template.PAYMENT_REAUTHORIZE,
        payment.payment_id,
        payment,
        {"amount": payment.secured, "hold_until": payment.hold_until},
        valid_until=payment.hold_until,
    )


def refunded(event: PaymentRefunded) -> Message:
    """Return the message, one per refund: its amount, and the total refunded if that is more."""
    payment = event.data
    amount = payment.refund_amount or payment.refunded
    total = payment.refunded if payment.refunded != amount else None
    content = {"refund_amount": amount, "total_refunded": total}
    return _message(Template.REFUNDED, event.id, payment, content)


def refund_failed(event: PaymentRefundFailed) -> Message:
    """Return the message, one per failed refund, with its amount if it is known."""
    payment = event.data
    return _message(Template.REFUND_FAILED, event.id, payment, {"amount": payment.failed_refund_amount})


def _message(
    template: Template,
    dedupe_key: str,
    payment: PaymentData,
    content: dict[str, Any],
    *,
    not_superseded_by: tuple[Template, ...] = (),
    valid_until: datetime | None = None,
) -> Message:
    return Message(
        template=template,
        dedupe_key=dedupe_key,
        user_id=payment.user_id,
        to=payment.email,
        content={"order_id": one_line(payment.order_id), "number": one_line(payment.number), **content},
        subject_id=payment.order_id,
        order_id=payment.order_id,
        not_superseded_by=not_superseded_by,
        valid_until=valid_until,
    )
