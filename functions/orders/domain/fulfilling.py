"""What is shipped, in how many parcels, and that it arrived."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from orders.domain.orders import Fulfilment, Order
from orders.domain.timeline import Entry, TimelineEvent
from orders.domain.transitions import Transition, target
from shared.errors import Conflict, invalid

# The row must stay under DynamoDB's 400 KB: so many parcels and returns, with so many lines in each kind.
MAX_PARTS = 50
MAX_PIECES = 2_500


class TooManyParts(Conflict):
    """The order has as many parcels, or returns, as its row has room for."""


def fulfilled(order: Order) -> Counter[str]:
    """Pieces shipped, by SKU."""
    return pieces_of(order.fulfilments)


def pieces_of(parcels: Sequence[Fulfilment]) -> Counter[str]:
    """Pieces in the parcels, by SKU."""
    return sum((Counter(parcel.pieces) for parcel in parcels), Counter())


def ship(
    order: Order,
    fulfilment_id: str,
    wanted: Sequence[tuple[str, int]] | None,
    carrier: str | None,
    tracking: str | None,
    actor: str,
    now: datetime,
) -> Order:
    """A parcel leaves with the wanted (SKU, pieces), or with all that is left.

    Raises IllegalTransition, Invalid (a SKU that is not of the order, or more than is left), TooManyParts.
    """
    target(order.status, Transition.SHIP)
    shipped = fulfilled(order)
    left = {line.sku: line.quantity - shipped[line.sku] for line in order.agreed.lines}
    pieces = taken(wanted, left, "to ship") if wanted is not None else +Counter(left)
    rest = sum(left.values()) - sum(pieces.values())
    if rest:  # what ships all that is left is never refused
        check_room([parcel.pieces for parcel in order.fulfilments], pieces)
    parcel = Fulfilment(fulfilment_id, dict(pieces), carrier, tracking, now)
    by = " ".join(part for part in (carrier, tracking) if part)
    detail = f"{count(pieces)}{f' with {by}' if by else ''}, {rest} left to ship"
    return order.transitioned(
        Transition.SHIP_PART if rest else Transition.SHIP,
        Entry(now, TimelineEvent.SHIPPED, actor, detail, fulfilment_id),
        fulfilments=(*order.fulfilments, parcel),
    )


def deliver(order: Order, actor: str, now: datetime) -> Order:
    """All of it arrived. Raises IllegalTransition."""
    return order.transitioned(Transition.DELIVER, Entry(now, TimelineEvent.DELIVERED, actor))


def taken(wanted: Sequence[tuple[str, int]], left: Mapping[str, int], what_for: str) -> Counter[str]:
    """The wanted pieces by SKU. Raises Invalid with the line that asks for what is not there."""
    pieces: Counter[str] = Counter()
    for position, (sku, quantity) in enumerate(wanted):
        pieces[sku] += quantity
        if sku not in left:
            raise invalid(f"/lines/{position}/sku", "The order has no such line.")
        if pieces[sku] > left[sku]:
            raise invalid(f"/lines/{position}/quantity", f"Of {sku}, {left[sku]} are left {what_for}.")
    return pieces


def count(pieces: Mapping[str, int]) -> str:
    """How many, in words."""
    number = sum(pieces.values())
    return f"{number} piece{'' if number == 1 else 's'}"


def check_room(parts: Sequence[Mapping[str, int]], pieces: Mapping[str, int]) -> None:
    """Raises TooManyParts where the order's row could come to be too large."""
    if len(parts) >= MAX_PARTS or sum(map(len, parts)) + len(pieces) > MAX_PIECES:
        raise TooManyParts("The order has too many of these; take more at once.")
