"""Letters about a payment, which knows its order by the id alone."""

from notify.domain.letters import Letter, Template
from notify.domain.wording import one_line, unlinked
from shared.events import PaymentFacts
from shared.money_text import money_text


def failed(payment: PaymentFacts, event_id: str) -> Letter:
    """Once a decline; not when the order was confirmed or given up by then."""
    return Letter(
        Template.PAYMENT_FAILED,
        event_id,
        payment.user_id,
        payment.email,
        f"Payment failed for your order {payment.order_id}",
        {
            "order_id": one_line(payment.order_id),
            "amount": money_text(payment.amount),
            "reason": unlinked(payment.reason),
        },
        matter=payment.order_id,
    )


def refunded(payment: PaymentFacts, event_id: str) -> Letter:
    """Once a change that gave money back: what it gave, and the sum so far where that is more."""
    given_back = payment.given_back or payment.refunded
    return Letter(
        Template.REFUNDED,
        event_id,
        payment.user_id,
        payment.email,
        f"A refund for your order {payment.order_id}",
        {
            "order_id": one_line(payment.order_id),
            "given_back": money_text(given_back),
            "so_far": money_text(payment.refunded) if payment.refunded != given_back else "",
        },
        matter=payment.order_id,
    )
