"""Letters about a payment."""

from datetime import datetime
from typing import Any

from notify.domain.letters import Letter, Template
from notify.domain.wording import unlinked
from shared.contracts.events import PaymentData
from shared.values.text import one_line


def failed(payment: PaymentData, event_id: str) -> Letter:
    """Once a decline; not when the order was confirmed or given up by then. One that was paid for and is to
    be paid anew was confirmed long ago."""
    content = {"amount": payment.amount, "reason": unlinked(payment.reason)}
    outlasts = (Template.ORDER_CONFIRMATION,) if payment.replaces else ()
    return _letter(Template.PAYMENT_FAILED, event_id, payment, content, outlasts=outlasts)


def reauthorize(payment: PaymentData) -> Letter:
    """Once a payment whose hold lapses soon: its owner is asked to pay anew, by when if that is known; not
    once it lapsed, for then the order cannot be paid anew."""
    until = payment.capture_before
    content = {"amount": payment.secured, "capture_before": until}
    return _letter(Template.PAYMENT_REAUTHORIZE, payment.payment_id, payment, content, good_until=until)


def refunded(payment: PaymentData, event_id: str) -> Letter:
    """Once a change that gave money back: what it gave, and the sum so far where that is more."""
    refund_amount = payment.refund_amount or payment.refunded
    so_far = payment.refunded if payment.refunded != refund_amount else None
    return _letter(Template.REFUNDED, event_id, payment, {"refund_amount": refund_amount, "so_far": so_far})


def refund_failed(payment: PaymentData, event_id: str) -> Letter:
    """Once a refund that did not get through, with its sum where that was told."""
    return _letter(Template.REFUND_FAILED, event_id, payment, {"amount": payment.failed_refund_amount})


def _letter(
    template: Template,
    about: str,
    payment: PaymentData,
    content: dict[str, Any],
    *,
    outlasts: tuple[Template, ...] = (),
    good_until: datetime | None = None,
) -> Letter:
    return Letter(
        template=template,
        about=about,
        user_id=payment.user_id,
        to=payment.email,
        content={"order_id": one_line(payment.order_id), "number": one_line(payment.number), **content},
        matter=payment.order_id,
        order_id=payment.order_id,
        outlasts=outlasts,
        good_until=good_until,
    )
