"""Messages that alert the shop's staff."""

from datetime import datetime
from typing import Any

from notify.domain.messages import Category, Message, Template
from shared.contracts.events.payments import (
    DisputeData,
    PaymentCaptureFailed,
    PaymentData,
    PaymentDisputed,
    PaymentRefundFailed,
    PaymentReviewed,
    PaymentsUnreconciled,
    ReviewData,
)
from shared.contracts.evidence import EVIDENCE_NOTICE
from shared.values.text import one_line

STAFF = ""  # their address is a setting


def dispute(event: PaymentDisputed, now: datetime) -> Message | None:
    """Return the message of a dispute, one each when it opens, when its evidence is due soon, and when it
    is won or lost.

    None if staff need not act: the bank is deciding, or an inquiry was closed.
    """
    dispute = event.data
    template = _dispute_template(dispute, now)
    if template is None:
        return None
    is_inquiry = dispute.status.startswith("warning_")
    # A chargeback keeps the id of the inquiry that it follows, and needs messages of its own.
    subject_id = f"{dispute.dispute_id}.inquiry" if is_inquiry else dispute.dispute_id
    content = {
        "dispute_id": one_line(dispute.dispute_id),
        "status": dispute.status,
        "reason": dispute.reason,
        "amount": dispute.amount,
        "withheld": dispute.withheld if dispute.withheld.amount else None,
        "evidence_due": dispute.evidence_due,
        "inquiry": is_inquiry,
    }
    return _message(template, subject_id, dispute, content, subject_id=subject_id)


def refund_failed(event: PaymentRefundFailed) -> Message:
    """Return the message, one per failed refund."""
    payment = event.data
    content = {
        "amount": payment.failed_refund_amount,
        "refunded": payment.refunded,
        "reason": payment.reason,
    }
    return _message(Template.STAFF_REFUND_FAILED, event.id, payment, content)


def capture_failed(event: PaymentCaptureFailed) -> Message:
    """Return the message, one per failed capture: goods were shipped and are not paid."""
    payment = event.data
    content = {"secured": payment.secured, "captured": payment.captured, "reason": payment.reason}
    return _message(Template.CAPTURE_FAILED, event.id, payment, content)


def review(event: PaymentReviewed) -> Message | None:
    """Return the message, one per opened review; None if it was closed, because a person closed it."""
    review = event.data
    if review.status != "open":
        return None
    return _message(Template.REVIEW_OPENED, review.payment_id, review, {})


def unreconciled(event: PaymentsUnreconciled) -> Message:
    """Return the message, one per reconciliation with Stripe that found unexplained differences."""
    found = event.data
    return Message(
        template=Template.UNRECONCILED,
        dedupe_key=found.reconciliation_id,
        user_id="",
        to=STAFF,
        content={
            "reconciliation_id": one_line(found.reconciliation_id),
            "unexplained": found.unexplained,
            "differences": [
                {"kind": each.kind, "count": each.count, "ids": [one_line(name) for name in each.ids]}
                for each in found.differences
            ],
        },
        category=Category.INTERNAL,
    )


def _dispute_template(dispute: DisputeData, now: datetime) -> Template | None:
    match dispute.status:
        case "needs_response" | "warning_needs_response":
            due = dispute.evidence_due
            return Template.DISPUTE_DUE if due and due - now <= EVIDENCE_NOTICE else Template.DISPUTE_OPENED
        case "won":
            return Template.DISPUTE_WON
        case "lost":
            return Template.DISPUTE_LOST
    return None


def _message(
    template: Template,
    dedupe_key: str,
    data: DisputeData | PaymentData | ReviewData,
    content: dict[str, Any],
    *,
    subject_id: str = "",
) -> Message:
    """Return a message to staff. It shows ids, which staff look up in the shop and at Stripe."""
    ids = {
        "payment_id": one_line(data.payment_id),
        "order_id": one_line(data.order_id),
        "number": one_line(data.number),
    }
    return Message(
        template=template,
        dedupe_key=dedupe_key,
        user_id="",
        to=STAFF,
        content=ids | content,
        subject_id=subject_id or data.order_id,
        category=Category.INTERNAL,
    )
