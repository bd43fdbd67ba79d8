"""Stock and reservations: every movement is a transaction that holds or does not happen."""

from collections.abc import Callable, Sequence
from datetime import datetime

from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from catalog.domain import Lack, Line, Pieces, State, StockReserved, Variant
from catalog.tables import variants
from catalog.tables.rows import (
    CatalogRow,
    ReservationRow,
    VariantRow,
    VersionConflict,
    idempotency,
    product_key,
    variant_key,
)
from shared.dynamodb.rows import CONDITION_FAILED, ConditionFailed, require_condition_failure, transaction
from shared.runtime import observability
from shared.values.money import Money

HEAD = "head"


def reservation_key(order_id: str) -> str:
    return f"reservation#{order_id}"


def hold_all(order_id: str, lines: Sequence[Line], now: datetime) -> list[Lack] | None:
    """Hold every line and note the reservation, in one transaction; what lacks where it did not happen.

    None when it happened. Raises VersionConflict when there is a reservation for the order already.
    """
    head = ReservationRow(
        pk=reservation_key(order_id), sk=HEAD, state=State.HELD, lines=_packed(lines), updated_at=now
    )
    return _hold(lines, lambda writes: writes.save(head, ReservationRow.pk.does_not_exist()), now)


def begin(order_id: str, now: datetime) -> None:
    """Open a reservation that takes several transactions. Raises VersionConflict when there is one
    already."""
    head = ReservationRow(pk=reservation_key(order_id), sk=HEAD, state=State.RESERVING, updated_at=now)
    try:
        head.save(ReservationRow.pk.does_not_exist())
    except PutError as error:
        require_condition_failure(error)
        raise VersionConflict(order_id) from None


def hold_chunk(order_id: str, number: int, lines: Sequence[Line], now: datetime) -> list[Lack] | None:
    """Hold one chunk's lines, if the order is still being reserved. As `hold_all`."""
    key = reservation_key(order_id)
    chunk = ReservationRow(
        pk=key, sk=f"chunk#{number:03}", state=State.HELD, lines=_packed(lines), updated_at=now
    )

    def note(writes: TransactWrite) -> None:
        writes.condition_check(ReservationRow, key, HEAD, condition=ReservationRow.state == State.RESERVING)
        writes.save(chunk, ReservationRow.pk.does_not_exist())

    return _hold(lines, note, now)


def _hold(lines: Sequence[Line], note: Callable[[TransactWrite], None], now: datetime) -> list[Lack] | None:
    try:
        with transaction(CatalogRow) as writes:
            note(writes)
            for line in lines:
                writes.update(
                    _variant(line),
                    _moved(now, available=-line.quantity, reserved=line.quantity),
                    condition=(
                        (VariantRow.available >= line.quantity)
                        & (VariantRow.price == line.price.amount)
                        & (VariantRow.currency == line.price.currency)
                        & (VariantRow.active == True)  # noqa: E712  an expression, not a comparison
                    ),
                    return_values="ALL_OLD",
                )
    except ConditionFailed as refused:
        # Updates come last in a transaction: the rows before them are the reservation's own.
        own = len(refused.reasons) - len(lines)
        if any(code == CONDITION_FAILED for code, _ in refused.reasons[:own]):
            raise VersionConflict from None
        return [
            _lack(line, VariantRow.from_raw_data(item) if item else None)
            for line, (code, item) in zip(lines, refused.reasons[own:], strict=True)
            if code == CONDITION_FAILED
        ]
    return None


def _lack(line: Line, row: VariantRow | None) -> Lack:
    if row is None:
        return Lack(line, 0, None, active=False)
    price = Money(amount=int(row.price), currency=row.currency)
    return Lack(line, int(row.available), price, bool(row.active))


def lacking(lines: Sequence[Line]) -> list[Lack]:
    """Which of the lines could not be held now, by a look alone: two reads a hundred lines."""
    rows = {row.sku: row for row in variants.facts_of([line.sku for line in lines])}
    lacks = [_lack(line, rows.get(line.sku)) for line in lines]
    return [lack for lack in lacks if lack.left < lack.line.quantity or lack.is_dearer_or_cheaper]


def reservation(order_id: str) -> dict[str, ReservationRow]:
    """The order's reservation rows by their sort key, `head` among them; empty when there never was one."""
    rows = ReservationRow.query(reservation_key(order_id), consistent_read=True)
    return {row.sk: row for row in rows}


def entomb(order_id: str, now: datetime) -> None:
    """Note that the order was given up before it reserved, for a late `reserve`. Raises VersionConflict."""
    head = ReservationRow(pk=reservation_key(order_id), sk=HEAD, state=State.RELEASED, updated_at=now)
    try:
        head.save(ReservationRow.pk.does_not_exist())
    except PutError as error:
        require_condition_failure(error)
        raise VersionConflict(order_id) from None


def settle_head(row: ReservationRow, state: State) -> None:
    """Move a head without lines of its own on to its next state. Raises VersionConflict."""
    try:
        row.update([ReservationRow.state.set(state)], condition=ReservationRow.state == row.state)
    except UpdateError as error:
        require_condition_failure(error)
        raise VersionConflict(row.pk) from None


def settle(row: ReservationRow, state: State, now: datetime) -> None:
    """Let go of what a reservation row holds, its state the witness that it happens once. Raises
    VersionConflict.

    held → committed: sold. held → released: back on sale. committed → released: returned to the shelf, but
    for variants that were taken out of their product since.
    """
    moves: dict[tuple[str, State], tuple[int, int]] = {
        (State.HELD, State.COMMITTED): (0, -1),
        (State.HELD, State.RELEASED): (1, -1),
        (State.COMMITTED, State.RELEASED): (1, 0),
    }
    available, reserved = moves[(row.state, state)]
    lines = row.lines or []
    try:
        with transaction(CatalogRow) as writes:
            writes.update(
                ReservationRow(row.pk, row.sk),
                [ReservationRow.state.set(state), ReservationRow.updated_at.set(now)],
                condition=ReservationRow.state == row.state,
            )
            for product_id, sku, quantity in lines:
                writes.update(
                    VariantRow(product_key(product_id), variant_key(sku)),
                    _moved(now, available=available * quantity, reserved=reserved * quantity),
                    condition=VariantRow.pk.exists(),
                )
    except ConditionFailed as refused:
        if refused.failed_at(0):
            raise VersionConflict(row.pk) from None
        row.lines = [line for position, line in enumerate(lines, 1) if not refused.failed_at(position)]
        settle(row, state, now)


def restock(mark: str, pieces: Sequence[Pieces], now: datetime) -> list[str] | None:
    """Put pieces on the shelves, once a `mark`; the SKUs that are in their product no more, left out.

    None where it was done before.
    """
    try:
        with transaction(CatalogRow) as writes:
            idempotency.record_event(writes, mark, now)
            for each in pieces:
                writes.update(
                    _variant(each),
                    _moved(now, available=each.quantity, reserved=0),
                    condition=VariantRow.pk.exists(),
                )
    except ConditionFailed as refused:
        if refused.failed_at(0):
            return None
        gone = {each for position, each in enumerate(pieces, 1) if refused.failed_at(position)}
        further = restock(mark, [each for each in pieces if each not in gone], now)
        return further if further is None else [*sorted(each.sku for each in gone), *further]
    return []


def set_available(product_id: str, variant: Variant, available: int, now: datetime) -> None:
    """Count a shelf anew. Raises VersionConflict when anything moved since `variant` was read."""
    row = VariantRow(product_key(product_id), variant_key(variant.sku))
    try:
        row.update(
            _moved(now, available=available - variant.available, reserved=0),
            condition=VariantRow.version == variant.version,
        )
    except UpdateError as error:
        require_condition_failure(error)
        raise VersionConflict(variant.sku) from None


def adjust(product_id: str, variant: Variant, delta: int, request: str, now: datetime) -> bool:
    """Move a shelf's count once a request; False where this request did so before.

    Raises StockReserved where fewer would lie there than are promised, VersionConflict when anything moved.
    """
    try:
        with transaction(CatalogRow) as writes:
            idempotency.record_event(writes, request, now)
            writes.update(
                VariantRow(product_key(product_id), variant_key(variant.sku)),
                _moved(now, available=delta, reserved=0),
                condition=(VariantRow.version == variant.version) & (VariantRow.available >= -delta),
            )
    except ConditionFailed as refused:
        if refused.failed_at(0):
            return False
        if variant.available + delta < 0:
            raise StockReserved(
                f"{variant.reserved} pieces are reserved: there cannot be {variant.on_hand + delta}.",
                reserved=variant.reserved,
            ) from None
        raise VersionConflict(variant.sku) from None
    return True


def _variant(line: Pieces) -> VariantRow:
    return VariantRow(product_key(line.product_id), variant_key(line.sku))


def _moved(now: datetime, *, available: int, reserved: int) -> list[Action]:
    actions: list[Action] = [
        VariantRow.version.set(VariantRow.version + 1),
        VariantRow.updated_at.set(now),
        VariantRow.request_id.set(observability.request_id() or "none"),
    ]
    if available:
        actions.append(VariantRow.available.set(VariantRow.available + available))
    if reserved:
        actions.append(VariantRow.reserved.set(VariantRow.reserved + reserved))
    return actions


def _packed(lines: Sequence[Line]) -> list[list[object]]:
    return [[line.product_id, line.sku, line.quantity] for line in lines]
