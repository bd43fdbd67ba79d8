"""Letters about a payment."""

from datetime import datetime
from typing import Any

from notify.domain.letters import Letter, Template
from notify.domain.wording import unlinked
from shared.events import PaymentFacts
from shared.plain import one_line


def failed(payment: PaymentFacts, event_id: str) -> Letter:
    """Once a decline; not when the order was confirmed or given up by then. One that was paid for and is to
    be paid anew was confirmed long ago."""
    content = {"amount": payment.amount, "reason": unlinked(payment.reason)}
    outlasts = (Template.ORDER_CONFIRMATION,) if payment.replaces else ()
    return _letter(Template.PAYMENT_FAILED, event_id, payment, content, outlasts=outlasts)


def reauthorize(payment: PaymentFacts) -> Letter:
    """Once a payment whose hold lapses soon: its owner is asked to pay anew, by when if that is known; not
    once it lapsed, for then the order cannot be paid anew."""
    until = payment.hold_until
    content = {"amount": payment.secured, "hold_until": until}
    return _letter(Template.PAYMENT_REAUTHORIZE, payment.payment_id, payment, content, good_until=until)


def refunded(payment: PaymentFacts, event_id: str) -> Letter:
    """Once a change that gave money back: what it gave, and the sum so far where that is more."""
    given_back = payment.given_back or payment.refunded
    so_far = payment.refunded if payment.refunded != given_back else None
    return _letter(Template.REFUNDED, event_id, payment, {"given_back": given_back, "so_far": so_far})


def refund_failed(payment: PaymentFacts, event_id: str) -> Letter:
    """Once a refund that did not get through, with its sum where that was told."""
    return _letter(Template.REFUND_FAILED, event_id, payment, {"amount": payment.not_given_back})


def _letter(
    template: Template,
    about: str,
    payment: PaymentFacts,
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
