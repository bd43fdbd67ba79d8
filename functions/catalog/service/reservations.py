"""Stock reservations of orders: reserved, committed, released. The README describes crashes in between."""

from collections.abc import Sequence
from typing import Any

from catalog import domain
from catalog.domain import Line, ReservationState
from catalog.service.concurrency import retry_on_conflict
from catalog.tables import stock
from shared.contracts.problems import ReservationReleased
from shared.dynamodb.concurrency import VersionConflict
from shared.runtime import clock
from shared.runtime.observability import count, log


@retry_on_conflict
def reserve(order_id: str, lines: Sequence[Line]) -> None:
    """Reserve stock for an order at the quoted prices: all lines or none. A repetition changes nothing.

    Raises OutOfStock, PriceChanged, ReservationReleased, ConcurrentUpdate.
    """
    chunks = domain.split_into_chunks(domain.merge_lines(lines))
    shortages = None
    try:
        if len(chunks) == 1:
            shortages = stock.reserve(order_id, chunks[0], clock.now())
        elif chunks:
            stock.create_head(order_id, ReservationState.RESERVING, clock.now())
    except VersionConflict:
        _resume(order_id, chunks)
        return
    if len(chunks) > 1:
        _reserve_chunks(order_id, chunks)
    elif shortages:
        raise domain.reservation_problem(shortages)


def _resume(order_id: str, chunks: list[list[Line]]) -> None:
    """Continue an existing reservation: an earlier try made it, or the order was cancelled."""
    head = stock.find_reservation(order_id)[stock.HEAD]
    if head.state == ReservationState.RELEASED:
        raise ReservationReleased("The order was cancelled before its stock was reserved.")
    if head.state == ReservationState.RESERVING:
        _reserve_chunks(order_id, chunks)


def _reserve_chunks(order_id: str, chunks: list[list[Line]]) -> None:
    """Reserve a large order chunk by chunk. If one chunk cannot be reserved, release all of them."""
    rows = stock.find_reservation(order_id)
    for number, chunk in enumerate(chunks):
        if f"chunk#{number:03}" in rows:
            continue
        if shortages := stock.reserve_chunk(order_id, number, chunk, clock.now()):
            release(order_id)
            # Report the chunks that were not tried too, so that accepting the problem's values is enough.
            rest = [line for later in chunks[number + 1 :] for line in later]
            raise domain.reservation_problem([*shortages, *stock.find_shortages(rest)])
    stock.transition_head(rows[stock.HEAD], ReservationState.HELD)


@retry_on_conflict
def release(order_id: str) -> None:
    """Release the order's reservation from any state, once. A later `reserve` is rejected."""
    rows = stock.find_reservation(order_id)
    if not rows:
        stock.create_head(order_id, ReservationState.RELEASED, clock.now())  # a tombstone
        return
    if rows[stock.HEAD].state == ReservationState.RESERVING:
        # From now on no chunk can be reserved. Read again: one may have been reserved since the first read.
        stock.transition_head(rows[stock.HEAD], ReservationState.RELEASED)
        rows = stock.find_reservation(order_id)
    _transition(rows, ReservationState.RELEASED, (ReservationState.HELD, ReservationState.COMMITTED))


@retry_on_conflict
def commit(order_id: str) -> None:
    """Commit the reservation of a paid order: its pieces are sold. A repetition changes nothing."""
    rows = stock.find_reservation(order_id)
    head = rows.get(stock.HEAD)
    if head is not None and head.state == ReservationState.RELEASED:
        # A paid order was cancelled, and the events arrived in reverse; no unpaid order publishes order.paid.
        log.warning("order paid after release", extra={"order_id": order_id})
        count("PaidAfterRelease")
        return
    if head is None or head.state == ReservationState.RESERVING:
        # The rules of orders exclude this, so it is a bug that needs a person.
        log.error("order paid without stock", extra={"order_id": order_id})
        count("PaidWithoutStock")
        return
    _transition(rows, ReservationState.COMMITTED, (ReservationState.HELD,))


def _transition(rows: dict[str, Any], state: ReservationState, sources: tuple[ReservationState, ...]) -> None:
    """Move the rows that are in one of the `sources` states to `state`, the head first."""
    for key in sorted(rows, key=lambda key: key != stock.HEAD):
        row = rows[key]
        if row.state in sources:
            if row.lines:
                stock.transition(row, state, clock.now())
            else:
                stock.transition_head(row, state)
