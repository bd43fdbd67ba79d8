"""Letters to the shop's own people: what needs a person."""

from datetime import datetime
from typing import Any

from notify.domain.letters import Category, Letter, Template
from notify.domain.wording import prose, unlinked
from shared.contracts.events import DisputeData, PaymentData, ReconciliationData, ReviewData
from shared.contracts.events.payments import EVIDENCE_NOTICE
from shared.values.text import one_line

OWN_PEOPLE = ""  # the address of whom is a setting


def disputed(dispute: DisputeData, at: datetime) -> Letter | None:
    """Once a dispute when it opens, once when its evidence is due soon (as of `at`), once when it is won or
    lost; None where nobody has to do or know anything: the bank is looking, or an inquiry ended."""
    is_inquiry = dispute.status.startswith("warning_")
    # A chargeback keeps the id of the inquiry that it comes from, and is news all the same.
    matter = f"{dispute.dispute_id}.inquiry" if is_inquiry else dispute.dispute_id
    template = _verdict(dispute, at)
    if template is None:
        return None
    content = {
        "dispute_id": one_line(dispute.dispute_id),
        "reason": one_line(dispute.reason.replace("_", " ")),
        "amount": dispute.amount,
        "withheld": dispute.withheld if dispute.withheld.amount else None,
        "evidence_due": dispute.evidence_due,
        "inquiry": is_inquiry,
    }
    return _letter(template, matter, dispute, content, matter=matter)


def refund_failed(payment: PaymentData, event_id: str) -> Letter:
    """Once a refund that did not get through."""
    content = {
        "amount": payment.failed_refund_amount,
        "refunded": payment.refunded,
        "reason": unlinked(payment.reason),
    }
    return _letter(Template.STAFF_REFUND_FAILED, event_id, payment, content)


def capture_failed(payment: PaymentData, event_id: str) -> Letter:
    """Once a capture that failed for good: goods left and are not paid."""
    content = {"secured": payment.secured, "captured": payment.captured, "reason": unlinked(payment.reason)}
    return _letter(Template.CAPTURE_FAILED, event_id, payment, content)


def reviewed(review: ReviewData) -> Letter | None:
    """Once a payment whose review opened; None when it was closed: a person did that."""
    if review.status != "open":
        return None
    return _letter(Template.REVIEW_OPENED, review.payment_id, review, {})


def unreconciled(found: ReconciliationData) -> Letter:
    """Once a comparison with Stripe that found what it cannot explain."""
    return Letter(
        template=Template.UNRECONCILED,
        about=found.reconciliation_id,
        user_id="",
        to=OWN_PEOPLE,
        content={
            "reconciliation_id": one_line(found.reconciliation_id),
            "unexplained": found.unexplained,
            "summary": prose(found.summary),
        },
        category=Category.INTERNAL,
    )


def _verdict(dispute: DisputeData, at: datetime) -> Template | None:
    match dispute.status:
        case "needs_response" | "warning_needs_response":
            due = dispute.evidence_due
            return Template.DISPUTE_DUE if due and due - at <= EVIDENCE_NOTICE else Template.DISPUTE_OPENED
        case "won":
            return Template.DISPUTE_WON
        case "lost":
            return Template.DISPUTE_LOST
    return None


def _letter(
    template: Template,
    about: str,
    of: DisputeData | PaymentData | ReviewData,
    content: dict[str, Any],
    *,
    matter: str = "",
) -> Letter:
    """Ids stand beside the order's number: staff look them up, in the shop and at Stripe."""
    ids = {
        "payment_id": one_line(of.payment_id),
        "order_id": one_line(of.order_id),
        "number": one_line(of.number),
    }
    return Letter(
        template=template,
        about=about,
        user_id="",
        to=OWN_PEOPLE,
        content=ids | content,
        matter=matter or of.order_id,
        category=Category.INTERNAL,
    )
