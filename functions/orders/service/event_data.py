"""The data of orders' events and of its responses to other services."""

from collections.abc import Mapping

from orders.domain import fulfilling, returning
from orders.domain.orders import Order, RefundKey
from shared.contracts.events.orders import (
    FulfilmentData,
    InvoiceData,
    LineQuantity,
    OrderData,
    OrderLineData,
    RefundDueData,
    ReturnData,
)
from shared.values.money import Money


def order_data(order: Order) -> OrderData:
    """Return the whole order; one that was never placed has no lines and amounts of 0."""
    terms = order.terms if order.was_placed else None
    zero = Money.zero("GBP")
    lines = [OrderLineData(**line.model_dump(exclude={"discount", "tax"})) for line in order.lines]
    return OrderData(
        order_id=order.order_id,
        number=order.number,
        user_id=order.user_id,
        email=terms.email if terms else "",
        status=order.status.value,
        lines=lines,
        subtotal=terms.subtotal if terms else zero,
        discount=terms.discount if terms else zero,
        shipping=terms.shipping if terms else zero,
        tax=terms.tax if terms else zero,
        total=terms.total if terms else zero,
        placed_at=terms.placed_at if terms else order.changed_at,
        expires_at=order.expires_at,
        reason=order.reason,
        coupon=terms.coupon if terms else None,
    )


def fulfilment_data(order: Order, fulfilment_id: str) -> FulfilmentData:
    """Return one fulfilment and what is due for capture once it is shipped."""
    position = next(n for n, each in enumerate(order.fulfilments) if each.fulfilment_id == fulfilment_id)
    fulfilment = order.fulfilments[position]
    shipped = fulfilling.pieces_of(order.fulfilments[: position + 1])
    terms = order.agreed_terms
    return FulfilmentData(
        **_identity(order),
        fulfilment_id=fulfilment_id,
        lines=_lines(order, fulfilment.pieces),
        carrier=fulfilment.carrier,
        tracking=fulfilment.tracking,
        fully_shipped=shipped.total() == sum(line.quantity for line in terms.lines),
        payment_id=order.payment_id,
        capture_due=Money(amount=terms.price_of(shipped), currency=terms.total.currency),
    )


def invoice_data(order: Order) -> InvoiceData:
    """Return the order and its invoice. Raises ValueError if there is none."""
    if order.invoice is None:
        raise ValueError(f"{order.order_id} has no invoice")
    return InvoiceData(
        **vars(order_data(order)),
        invoice_number=order.invoice.number,
        issued_at=order.invoice.issued_at,
    )


def return_data(order: Order, return_id: str) -> ReturnData:
    """Return one return in its current state."""
    return_ = returning.find(order, return_id)
    return ReturnData(
        **_identity(order),
        return_id=return_id,
        status=return_.status.value,
        lines=_lines(order, return_.pieces),
        restock=return_.restock,
        refund=Money(amount=return_.refund, currency=order.agreed_terms.total.currency),
        reason=return_.reason,
    )


def refund_due_data(order: Order, key: RefundKey) -> RefundDueData:
    """Return one amount that is due for refund."""
    due = order.refunds_due[key]
    return RefundDueData(
        order_id=order.order_id,
        payment_id=due.payment_id,
        amount=due.amount,
        reason=due.reason,
        refund_key=f"{order.order_id}:{key}",
    )


def _identity(order: Order) -> dict[str, str]:
    return {
        "order_id": order.order_id,
        "number": order.number,
        "user_id": order.user_id,
        "email": order.agreed_terms.email,
    }


def _lines(order: Order, pieces: Mapping[str, int]) -> list[LineQuantity]:
    return [
        LineQuantity(sku=line.sku, product_id=line.product_id, title=line.title, quantity=pieces[line.sku])
        for line in order.agreed_terms.lines
        if line.sku in pieces
    ]
