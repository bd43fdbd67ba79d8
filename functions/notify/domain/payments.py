"""Letters about a payment."""

from typing import Any

from notify.domain.letters import Letter, Template
from notify.domain.wording import unlinked
from shared.events import PaymentFacts
from shared.plain import one_line


def failed(payment: PaymentFacts, event_id: str) -> Letter:
    """Once a decline; not when the order was confirmed or given up by then."""
    content = {"amount": payment.amount, "reason": unlinked(payment.reason)}
    return _letter(Template.PAYMENT_FAILED, event_id, payment, content)


def reauthorize(payment: PaymentFacts) -> Letter:
    """Once a payment whose hold lapses soon: its owner is asked to pay anew, by when if that is known."""
    content = {"amount": payment.secured, "hold_until": payment.hold_until}
    return _letter(Template.PAYMENT_REAUTHORIZE, payment.payment_id, payment, content)


def refunded(payment: PaymentFacts, event_id: str) -> Letter:
    """Once a change that gave money back: what it gave, and the sum so far where that is more."""
    given_back = payment.given_back or payment.refunded
    so_far = payment.refunded if payment.refunded != given_back else None
    return _letter(Template.REFUNDED, event_id, payment, {"given_back": given_back, "so_far": so_far})


def refund_failed(payment: PaymentFacts, event_id: str) -> Letter:
    """Once a refund that did not get through, with its sum where that was told."""
    return _letter(Template.REFUND_FAILED, event_id, payment, {"amount": payment.not_given_back})


def _letter(template: Template, about: str, payment: PaymentFacts, content: dict[str, Any]) -> Letter:
    return Letter(
        template=template,
        about=about,
        user_id=payment.user_id,
        to=payment.email,
        content={"order_id": one_line(payment.order_id), "number": one_line(payment.number), **content},
        matter=payment.order_id,
        order_id=payment.order_id,
    )
