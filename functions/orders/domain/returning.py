"""What comes back: requested, decided, received, and the money that it brings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from orders.domain.fulfilling import check_room, count, fulfilled, taken
from orders.domain.orders import Order, RefundDue, Return
from orders.domain.paying import due_entry
from orders.domain.timeline import Entry, TimelineEvent
from orders.domain.transitions import (
    RETURN_TRANSITIONS,
    RETURNABLE,
    IllegalTransition,
    ReturnStatus,
    Transition,
)
from shared.errors import Conflict, NotFound, invalid
from shared.values.money import Money
from shared.values.money_format import format_money

R = ReturnStatus
SAYS: Mapping[ReturnStatus, TimelineEvent] = {
    R.APPROVED: TimelineEvent.RETURN_APPROVED,
    R.REJECTED: TimelineEvent.RETURN_REJECTED,
    R.RECEIVED: TimelineEvent.RETURN_RECEIVED,
}


class ReturnWindowClosed(Conflict):
    """It was delivered too long ago."""


def returned(order: Order) -> Counter[str]:
    """Pieces that came back, by SKU."""
    return _pieces(order, {R.RECEIVED})


def request(
    order: Order,
    return_id: str,
    wanted: Sequence[tuple[str, int]],
    reason: str,
    window: timedelta,
    now: datetime,
) -> Order:
    """The customer wants to send back the (SKU, pieces), within the window after delivery.

    Raises IllegalTransition (nothing was shipped), ReturnWindowClosed, Invalid (more than was shipped and is
    not on its way back), TooManyParts.
    """
    if order.status not in RETURNABLE:
        raise IllegalTransition(
            f"Of an order that is {order.status} nothing can be returned.", status_now=order.status.value
        )
    delivered = next((entry.at for entry in order.timeline if entry.type is TimelineEvent.DELIVERED), None)
    if delivered and now > delivered + window:
        raise ReturnWindowClosed(f"Returns are taken for {window.days} days after delivery.")
    shipped, spoken_for = fulfilled(order), _pieces(order, {R.REQUESTED, R.APPROVED, R.RECEIVED})
    left = {line.sku: shipped[line.sku] - spoken_for[line.sku] for line in order.agreed.lines}
    pieces = taken(wanted, left, "to return")
    check_room([made.pieces for made in order.returns], pieces)
    made = Return(return_id, dict(pieces), reason, now)
    entry = Entry(now, TimelineEvent.RETURN_REQUESTED, order.user_id, count(pieces), return_id)
    return order.changed(entry, returns=(*order.returns, made))


def decide(order: Order, return_id: str, approved: bool, actor: str, now: datetime) -> Order:
    """Staff let it come, or do not. Raises NotFound, IllegalTransition."""
    made = _moving(order, return_id, R.APPROVED if approved else R.REJECTED)
    entry = Entry(now, SAYS[made.status], actor, count(made.pieces), return_id)
    return order.changed(entry, returns=_with(order, made))


def receive(
    order: Order, return_id: str, restock: bool, refund: Money | None, actor: str, now: datetime
) -> Order:
    """It arrived: what was paid for the pieces is due back, or the lesser `refund` where they are worn.

    With the last piece of the order its delivery is paid back too. Never more goes back than came in.
    Raises NotFound, IllegalTransition, Invalid (a refund above what was paid).
    """
    made = _moving(order, return_id, R.RECEIVED)
    amount_receivable = min(_worth(order, made), order.refundable)
    currency = order.agreed.total.currency
    if refund is not None and refund.currency != currency:
        raise invalid("/refund/currency", f"The order was paid in {currency}.")
    if refund is not None and not 0 <= refund.amount <= amount_receivable:
        most = format_money(Money(amount=amount_receivable, currency=currency))
        raise invalid("/refund/amount", f"At most {most} can go back for this return.")
    amount = Money(amount=amount_receivable if refund is None else refund.amount, currency=currency)
    made = replace(made, restock=restock, refund=amount.amount)
    detail = f"{count(made.pieces)}, {'back on sale' if restock else 'not to be sold again'}"
    entries = [Entry(now, TimelineEvent.RETURN_RECEIVED, actor, detail, return_id)]
    dues = order.refunds_due
    if amount.amount and order.payment_id:
        dues = {**dues, return_id: RefundDue(order.payment_id, amount, "goods were returned")}
        entries.append(due_entry(now, return_id, amount, "goods were returned"))
    back = order.changed(*entries, returns=_with(order, made), refunds_due=dues)
    if order.agreed.total.amount or not _all_back(back):
        return back
    # Where nothing was paid no refund will tell that the order is over.
    refunded = Entry(now, TimelineEvent.REFUNDED, "system", format_money(order.agreed.total))
    return back.transitioned(Transition.REFUND, refunded).after(order)


def find(order: Order, return_id: str) -> Return:
    """Raises NotFound."""
    for made in order.returns:
        if made.return_id == return_id:
            return made
    raise NotFound("The order has no such return.")


def _moving(order: Order, return_id: str, status: ReturnStatus) -> Return:
    made = find(order, return_id)
    if status not in RETURN_TRANSITIONS[made.status]:
        raise IllegalTransition(
            f"A return that is {made.status} cannot be {status}.", status_now=made.status.value
        )
    return replace(made, status=status)


def _worth(order: Order, made: Return) -> int:
    """What was paid for the return's pieces, in minor units: as the order's next ones to come back."""
    terms, before = order.agreed, returned(order)
    after = before + Counter(made.pieces)
    amount_receivable = sum(
        terms.paid_for_pieces(line, after[line.sku]) - terms.paid_for_pieces(line, before[line.sku])
        for line in terms.lines
        if line.sku in made.pieces
    )
    all_back = all(after[line.sku] == line.quantity for line in terms.lines)
    return amount_receivable + (terms.paid_for_delivery if all_back else 0)


def _all_back(order: Order) -> bool:
    back = returned(order)
    return all(back[line.sku] == line.quantity for line in order.agreed.lines)


def _pieces(order: Order, statuses: set[ReturnStatus]) -> Counter[str]:
    return sum((Counter(made.pieces) for made in order.returns if made.status in statuses), Counter())


def _with(order: Order, made: Return) -> tuple[Return, ...]:
    return tuple(made if known.return_id == made.return_id else known for known in order.returns)
