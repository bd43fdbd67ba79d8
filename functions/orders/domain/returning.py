"""The returns of an order: requested, decided, received and refunded."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from orders.domain.fulfilling import check_room, fulfilled, quantity_text, select_pieces
from orders.domain.orders import Order, RefundDue, RefundKey, Return
from orders.domain.paying import refund_due_entry
from orders.domain.timeline import Entry, TimelineEvent
from orders.domain.transitions import (
    RETURN_TRANSITIONS,
    RETURNABLE,
    IllegalTransition,
    ReturnStatus,
    Transition,
)
from shared.contracts.reasons import RefundReason
from shared.errors import Conflict, NotFound, invalid
from shared.values.money import Money
from shared.values.money_format import format_money

EVENT_OF_STATUS: Mapping[ReturnStatus, TimelineEvent] = {
    ReturnStatus.APPROVED: TimelineEvent.RETURN_APPROVED,
    ReturnStatus.REJECTED: TimelineEvent.RETURN_REJECTED,
    ReturnStatus.RECEIVED: TimelineEvent.RETURN_RECEIVED,
}


class ReturnWindowClosed(Conflict):
    """The order was delivered too long ago for a return."""

    advice = "Do not retry; contact the shop."


def returned(order: Order) -> Counter[str]:
    """Return the received pieces by SKU."""
    return _pieces(order, {ReturnStatus.RECEIVED})


def request(
    order: Order,
    return_id: str,
    wanted: Sequence[tuple[str, int]],
    reason: str,
    window: timedelta,
    now: datetime,
) -> Order:
    """Add a return of the (SKU, quantity) lines, within `window` after delivery.

    Raises IllegalTransition (nothing was shipped), ReturnWindowClosed, Invalid (more than was shipped and is
    not in another return), TooManyParts.
    """
    if order.status not in RETURNABLE:
        raise IllegalTransition(
            f"The order is {order.status}; only shipped goods can be returned.",
            status_now=order.status.value,
        )
    delivered = next((entry.at for entry in order.timeline if entry.type is TimelineEvent.DELIVERED), None)
    if delivered and now > delivered + window:
        raise ReturnWindowClosed(f"Goods can be returned for {window.days} days after delivery.")
    shipped = fulfilled(order)
    claimed = _pieces(order, {ReturnStatus.REQUESTED, ReturnStatus.APPROVED, ReturnStatus.RECEIVED})
    returnable = {line.sku: shipped[line.sku] - claimed[line.sku] for line in order.agreed_terms.lines}
    pieces = select_pieces(wanted, returnable, "returnable")
    check_room([return_.pieces for return_ in order.returns], pieces)
    return_ = Return(return_id, dict(pieces), reason, now)
    entry = Entry(now, TimelineEvent.RETURN_REQUESTED, order.user_id, quantity_text(pieces), return_id)
    return order.changed(entry, returns=(*order.returns, return_))


def decide(order: Order, return_id: str, approved: bool, actor: str, now: datetime) -> Order:
    """Approve or reject a return. Raises NotFound, IllegalTransition."""
    return_ = _transitioned(order, return_id, ReturnStatus.APPROVED if approved else ReturnStatus.REJECTED)
    entry = Entry(now, EVENT_OF_STATUS[return_.status], actor, quantity_text(return_.pieces), return_id)
    return order.changed(entry, returns=_with(order, return_))


def receive(
    order: Order, return_id: str, restock: bool, refund: Money | None, actor: str, now: datetime
) -> Order:
    """Receive the goods: the price of the pieces becomes due for refund, or `refund` if it is lower.

    The order's last pieces include the shipping price. The refunds never exceed what was paid. Raises
    NotFound, IllegalTransition, Invalid (another currency, or more than the price).
    """
    return_ = _transitioned(order, return_id, ReturnStatus.RECEIVED)
    maximum = min(_price(order, return_), order.refundable)
    currency = order.agreed_terms.total.currency
    if refund is not None and refund.currency != currency:
        raise invalid("/refund/currency", f"The order was paid in {currency}.")
    if refund is not None and not 0 <= refund.amount <= maximum:
        text = format_money(Money(amount=maximum, currency=currency))
        raise invalid("/refund/amount", f"At most {text} can be refunded for this return.")
    amount = Money(amount=maximum if refund is None else refund.amount, currency=currency)
    return_ = return_._replace(restock=restock, refund=amount.amount)
    detail = f"{quantity_text(return_.pieces)}, {'restocked' if restock else 'not restocked'}"
    entries = [Entry(now, TimelineEvent.RETURN_RECEIVED, actor, detail, return_id)]
    refunds_due = order.refunds_due
    if amount.amount and order.payment_id:
        key = RefundKey.of_return(return_id)
        due = RefundDue(order.payment_id, amount, RefundReason.GOODS_RETURNED)
        refunds_due = {**refunds_due, key: due}
        entries.append(refund_due_entry(now, key, due))
    received = order.changed(*entries, returns=_with(order, return_), refunds_due=refunds_due)
    if order.agreed_terms.total.amount or not _is_returned_completely(received):
        return received
    # An order with a total of 0 has no payment whose refund would close it.
    refunded = Entry(now, TimelineEvent.REFUNDED, "system", format_money(order.agreed_terms.total))
    return received.transitioned(Transition.REFUND, refunded).as_one_change(order)


def find(order: Order, return_id: str) -> Return:
    """Return the order's return with this id. Raises NotFound."""
    for return_ in order.returns:
        if return_.return_id == return_id:
            return return_
    raise NotFound("The return does not exist.")


def _transitioned(order: Order, return_id: str, status: ReturnStatus) -> Return:
    return_ = find(order, return_id)
    if status not in RETURN_TRANSITIONS[return_.status]:
        raise IllegalTransition(
            f"A return that is {return_.status} cannot become {status}.", status_now=return_.status.value
        )
    return return_._replace(status=status)


def _price(order: Order, return_: Return) -> int:
    """Return the price paid for the return's pieces, in minor units, counted after those received before."""
    terms, before = order.agreed_terms, returned(order)
    after = before + Counter(return_.pieces)
    price = sum(
        terms.price_of_pieces(line, after[line.sku]) - terms.price_of_pieces(line, before[line.sku])
        for line in terms.lines
        if line.sku in return_.pieces
    )
    is_last = all(after[line.sku] == line.quantity for line in terms.lines)
    return price + (terms.shipping_price if is_last else 0)


def _is_returned_completely(order: Order) -> bool:
    pieces = returned(order)
    return all(pieces[line.sku] == line.quantity for line in order.agreed_terms.lines)


def _pieces(order: Order, statuses: set[ReturnStatus]) -> Counter[str]:
    return sum((Counter(each.pieces) for each in order.returns if each.status in statuses), Counter())


def _with(order: Order, return_: Return) -> tuple[Return, ...]:
    return tuple(return_ if each.return_id == return_.return_id else each for each in order.returns)
