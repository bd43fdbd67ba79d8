"""What orders hold: reserved, sold, given back. What happens when it dies half-way is in the README."""

from collections.abc import Sequence
from typing import Any

from catalog import domain
from catalog.domain import Line, State
from catalog.service.rivals import again_when_overtaken
from catalog.tables import stock
from catalog.tables.rows import VersionConflict
from shared.contracts.problems import ReservationReleased
from shared.runtime import clock
from shared.runtime.observability import count, log


@again_when_overtaken
def reserve(order_id: str, wanted: Sequence[Line]) -> None:
    """Hold stock for an order: all lines or none, at the quoted prices; again changes nothing.

    Raises OutOfStock, PriceChanged, ReservationReleased, ConcurrentUpdate.
    """
    lines, now = domain.merged(wanted), clock.now()
    parts = domain.chunks(lines)
    try:
        lacks = stock.hold_all(order_id, parts[0], now) if len(parts) == 1 else None
        if len(parts) > 1:
            stock.begin(order_id, now)
    except VersionConflict:
        _continue(order_id, parts)
        return
    if len(parts) > 1:
        _hold_chunks(order_id, parts)
    elif lacks:
        raise domain.reservation_problem(lacks)


def _continue(order_id: str, parts: list[list[Line]]) -> None:
    """There is a reservation for this order: it is ours from an earlier try, or the order was given up."""
    head = stock.reservation(order_id)[stock.HEAD]
    if head.state == State.RELEASED:
        raise ReservationReleased("The order was given up before its stock was held.")
    if head.state == State.RESERVING:
        _hold_chunks(order_id, parts)


def _hold_chunks(order_id: str, parts: list[list[Line]]) -> None:
    """Hold a large order part by part; a part that cannot be held lets go of all of them."""
    rows = stock.reservation(order_id)
    for number, part in enumerate(parts):
        if f"chunk#{number:03}" in rows:
            continue
        if lacks := stock.hold_chunk(order_id, number, part, clock.now()):
            release(order_id)
            # The parts behind it were not tried: who accepts what is told here should not be refused by them.
            rest = [line for later in parts[number + 1 :] for line in later]
            raise domain.reservation_problem([*lacks, *stock.lacking(rest)])
    stock.settle_head(rows[stock.HEAD], State.HELD)


@again_when_overtaken
def release(order_id: str) -> None:
    """Give back whatever the order holds, from any state, once. A later `reserve` will fail."""
    rows = stock.reservation(order_id)
    if not rows:
        stock.entomb(order_id, clock.now())
        return
    if rows[stock.HEAD].state == State.RESERVING:
        # From here on no chunk can be held; one may have been since we looked.
        stock.settle_head(rows[stock.HEAD], State.RELEASED)
        rows = stock.reservation(order_id)
    _settle(rows, State.RELEASED, (State.HELD, State.COMMITTED))


@again_when_overtaken
def commit(order_id: str) -> None:
    """The order is paid: what it holds is sold; again changes nothing."""
    rows = stock.reservation(order_id)
    head = rows.get(stock.HEAD)
    if head is not None and head.state == State.RELEASED:
        # A paid order was cancelled, and the news crossed; an order that ended unpaid is not said to be paid.
        log.warning("paid after it was given up", extra={"order_id": order_id})
        count("PaidAfterGivenUp")
        return
    if head is None or head.state == State.RESERVING:
        # The rules of orders exclude it; should they be broken, somebody must know.
        log.error("paid without stock", extra={"order_id": order_id})
        count("PaidWithoutStock")
        return
    _settle(rows, State.COMMITTED, (State.HELD,))


def _settle(rows: dict[str, Any], state: State, movable: tuple[State, ...]) -> None:
    """Head first, then each chunk, once each."""
    for key in sorted(rows, key=lambda key: key != stock.HEAD):
        row = rows[key]
        if row.state in movable:
            if row.lines:
                stock.settle(row, state, clock.now())
            else:
                stock.settle_head(row, state)
