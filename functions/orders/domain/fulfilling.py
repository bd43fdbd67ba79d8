"""The fulfilments of an order and its delivery."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from orders.domain.orders import Fulfilment, Order
from orders.domain.timeline import Entry, TimelineEvent
from orders.domain.transitions import Transition, next_status
from shared.errors import Conflict, invalid

MAX_PARTS = 50  # fulfilments, and returns, per order; the row must stay under 400 KB
# lines of all fulfilments, and of all returns, per order; the row must stay under 400 KB
MAX_PIECES = 2_500


class TooManyParts(Conflict):
    """The order has as many fulfilments or returns as can be stored."""

    advice = "Put more pieces into one fulfilment or return."


def fulfilled(order: Order) -> Counter[str]:
    """Return the shipped pieces by SKU."""
    return pieces_of(order.fulfilments)


def pieces_of(fulfilments: Sequence[Fulfilment]) -> Counter[str]:
    """Return the pieces of the fulfilments by SKU."""
    return sum((Counter(fulfilment.pieces) for fulfilment in fulfilments), Counter())


def ship(
    order: Order,
    fulfilment_id: str,
    wanted: Sequence[tuple[str, int]] | None,
    carrier: str | None,
    tracking: str | None,
    actor: str,
    now: datetime,
) -> Order:
    """Ship the wanted (SKU, quantity) lines; None ships all unshipped pieces.

    Raises IllegalTransition, Invalid (a SKU that the order does not have, or too many pieces), TooManyParts.
    """
    next_status(order.status, Transition.SHIP)
    shipped = fulfilled(order)
    unshipped = {line.sku: line.quantity - shipped[line.sku] for line in order.agreed_terms.lines}
    pieces = +Counter(unshipped) if wanted is None else select_pieces(wanted, unshipped, "unshipped")
    rest = sum(unshipped.values()) - sum(pieces.values())
    if rest:  # the fulfilment that completes the order is always accepted
        check_room([fulfilment.pieces for fulfilment in order.fulfilments], pieces)
    fulfilment = Fulfilment(fulfilment_id, dict(pieces), carrier, tracking, now)
    detail = ", ".join(filter(None, (quantity_text(pieces), carrier, tracking, f"{rest} unshipped")))
    return order.transitioned(
        Transition.SHIP_PART if rest else Transition.SHIP,
        Entry(now, TimelineEvent.SHIPPED, actor, detail, fulfilment_id),
        fulfilments=(*order.fulfilments, fulfilment),
    )


def deliver(order: Order, actor: str, now: datetime) -> Order:
    """Mark the order as delivered. Raises IllegalTransition."""
    return order.transitioned(Transition.DELIVER, Entry(now, TimelineEvent.DELIVERED, actor))


def select_pieces(
    wanted: Sequence[tuple[str, int]], available: Mapping[str, int], state: str
) -> Counter[str]:
    """Return the wanted (SKU, quantity) lines as pieces by SKU.

    Raises Invalid for a line that exceeds the available pieces; `state` names them: `unshipped`.
    """
    pieces: Counter[str] = Counter()
    for position, (sku, quantity) in enumerate(wanted):
        pieces[sku] += quantity
        if sku not in available:
            raise invalid(f"/lines/{position}/sku", "The order has no line with this SKU.")
        if pieces[sku] > available[sku]:
            detail = f"At most {available[sku]} pieces of {sku} are {state}."
            raise invalid(f"/lines/{position}/quantity", detail)
    return pieces


def quantity_text(pieces: Mapping[str, int]) -> str:
    """Return the total number of pieces as text: "1 piece", "2 pieces"."""
    number = sum(pieces.values())
    return f"{number} piece{'' if number == 1 else 's'}"


def check_room(parts: Sequence[Mapping[str, int]], pieces: Mapping[str, int]) -> None:
    """Raise TooManyParts if the order's row could become too large."""
    if len(parts) >= MAX_PARTS or sum(map(len, parts)) + len(pieces) > MAX_PIECES:
        raise TooManyParts("The order has too many fulfilments or returns; put more pieces into one.")
