"""An order as others need to know it."""

from collections.abc import Mapping

from orders.domain import fulfilling, returning
from orders.domain.orders import Order
from shared.contracts.events import (
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
    """The whole order; one that was never placed has no lines and no sums."""
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
    """One parcel, as it left."""
    place = next(n for n, parcel in enumerate(order.fulfilments) if parcel.fulfilment_id == fulfilment_id)
    parcel = order.fulfilments[place]
    so_far = fulfilling.pieces_of(order.fulfilments[: place + 1])
    return FulfilmentData(
        **_of(order),
        fulfilment_id=fulfilment_id,
        lines=_pieces(order, parcel.pieces),
        carrier=parcel.carrier,
        tracking=parcel.tracking,
        fully_shipped=so_far.total() == sum(line.quantity for line in order.agreed.lines),
        payment_id=order.payment_id,
        capture_due=Money(amount=order.agreed.paid_for(so_far), currency=order.agreed.total.currency),
    )


def invoice_data(order: Order) -> InvoiceData:
    """Raises ValueError where the order has none."""
    if order.invoice is None:
        raise ValueError(f"{order.order_id} has no invoice")
    return InvoiceData(
        **_of(order),
        invoice_number=order.invoice.number,
        issued_at=order.invoice.issued_at,
        total=order.agreed.total,
    )


def return_data(order: Order, return_id: str) -> ReturnData:
    """One return, as it is now."""
    made = returning.find(order, return_id)
    return ReturnData(
        **_of(order),
        return_id=return_id,
        status=made.status.value,
        lines=_pieces(order, made.pieces),
        restock=made.restock,
        refund=Money(amount=made.refund, currency=order.agreed.total.currency),
        reason=made.reason,
    )


def refund_due_data(order: Order, key: str) -> RefundDueData:
    """Money to give back, by its key in `refunds_due`."""
    due = order.refunds_due[key]
    return RefundDueData(
        order_id=order.order_id,
        payment_id=due.payment_id,
        amount=due.amount,
        reason=due.reason,
        refund_key=f"{order.order_id}:{key}",
    )


def _of(order: Order) -> dict[str, str]:
    return {
        "order_id": order.order_id,
        "number": order.number,
        "user_id": order.user_id,
        "email": order.agreed.email,
    }


def _pieces(order: Order, pieces: Mapping[str, int]) -> list[LineQuantity]:
    return [
        LineQuantity(sku=line.sku, product_id=line.product_id, title=line.title, quantity=pieces[line.sku])
        for line in order.agreed.lines
        if line.sku in pieces
    ]
