"""What payments says of an order's money."""

from orders.domain import paying
from orders.domain.moves import Status
from orders.service.changing import change
from orders.tables import orders
from shared import clock
from shared.money import Money
from shared.observe import count, log


def take_payment(order_id: str, payment_id: str, amount: Money) -> None:
    """A payment succeeded. Raises NotYetPlaced, NotFound: the message comes again."""
    order = change(
        lambda: orders.find_any(order_id),
        lambda order: paying.take_payment(order, payment_id, amount, clock.now()),
    )
    if order.status is Status.AWAITING_PAYMENT:
        log.error("a payment of another sum than the order's", extra={"order_id": order_id})
        count("PaymentAmountDiffers")


def note_failed_payment(order_id: str, reason: str, event_id: str) -> None:
    """A payment failed; the order waits on."""
    change(
        lambda: orders.find_any(order_id),
        lambda order: paying.note_failed_payment(order, reason, event_id, clock.now()),
    )


def note_refund(order_id: str, payment_id: str, refunded: Money) -> None:
    """So much of a payment is back in all. Raises NotYetPlaced, NotFound: the message comes again."""
    change(
        lambda: orders.find_any(order_id),
        lambda order: paying.note_refund(order, payment_id, refunded, clock.now()),
    )
