"""Stock and reservations; each change is one transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime

from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from catalog.domain import Line, Pieces, ReservationState, Shortage, Variant, stock_reserved
from catalog.tables import variants
from catalog.tables.rows import (
    CatalogRow,
    ReservationRow,
    VariantRow,
    idempotency,
    product_key,
    variant_key,
)
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.rows import CONDITION_FAILED, ConditionFailed, require_condition_failure, transaction
from shared.runtime import observability
from shared.values.money import Money

HEAD = "head"


def reservation_key(order_id: str) -> str:
    return f"reservation#{order_id}"


def reserve(order_id: str, lines: Sequence[Line], now: datetime) -> list[Shortage] | None:
    """Reserve all lines in one transaction. Return None, or the shortages if nothing was reserved.

    Raises VersionConflict if the order has a reservation.
    """
    head = ReservationRow(
        pk=reservation_key(order_id),
        sk=HEAD,
        state=ReservationState.HELD,
        lines=_serialized(lines),
        updated_at=now,
    )
    return _reserve(lines, lambda writes: writes.save(head, ReservationRow.pk.does_not_exist()), now)


def create_head(order_id: str, state: ReservationState, now: datetime) -> None:
    """Create a reservation without lines. Raises VersionConflict if the order has a reservation.

    The state is `reserving` before chunks, or `released` as a tombstone: a late `reserve` is then rejected.
    """
    head = ReservationRow(pk=reservation_key(order_id), sk=HEAD, state=state, updated_at=now)
    try:
        head.save(ReservationRow.pk.does_not_exist())
    except PutError as error:
        require_condition_failure(error)
        raise VersionConflict(order_id) from None


def reserve_chunk(order_id: str, number: int, lines: Sequence[Line], now: datetime) -> list[Shortage] | None:
    """Reserve one chunk, like `reserve`.

    Raises VersionConflict if the chunk is reserved already or the head is no longer `reserving`.
    """
    key = reservation_key(order_id)
    chunk = ReservationRow(
        pk=key, sk=f"chunk#{number:03}", state=ReservationState.HELD, lines=_serialized(lines), updated_at=now
    )

    def save_chunk(writes: TransactWrite) -> None:
        writes.condition_check(
            ReservationRow, key, HEAD, condition=ReservationRow.state == ReservationState.RESERVING
        )
        writes.save(chunk, ReservationRow.pk.does_not_exist())

    return _reserve(lines, save_chunk, now)


def _reserve(
    lines: Sequence[Line], save: Callable[[TransactWrite], None], now: datetime
) -> list[Shortage] | None:
    try:
        with transaction(CatalogRow) as writes:
            save(writes)
            for line in lines:
                writes.update(
                    _variant(line),
                    _stock_change(now, available=-line.quantity, reserved=line.quantity),
                    condition=(
                        (VariantRow.available >= line.quantity)
                        & (VariantRow.price == line.price.amount)
                        & (VariantRow.currency == line.price.currency)
                        & (VariantRow.active == True)  # noqa: E712 - builds a condition
                    ),
                    return_values="ALL_OLD",
                )
    except ConditionFailed as error:
        # The order of the reasons is: condition check and put of the reservation, updates of the lines.
        own = len(error.reasons) - len(lines)
        if any(code == CONDITION_FAILED for code, _ in error.reasons[:own]):
            raise VersionConflict from None
        return [
            _shortage(line, VariantRow.from_raw_data(item) if item else None)
            for line, (code, item) in zip(lines, error.reasons[own:], strict=True)
            if code == CONDITION_FAILED
        ]
    return None


def _shortage(line: Line, row: VariantRow | None) -> Shortage:
    if row is None:
        return Shortage(line, 0, None, active=False)
    price = Money(amount=int(row.price), currency=row.currency)
    return Shortage(line, int(row.available), price, bool(row.active))


def find_shortages(lines: Sequence[Line]) -> list[Shortage]:
    """Return the current shortages without reserving, with two BatchGetItem calls per 100 lines."""
    rows = {row.sku: row for row in variants.find_rows([line.sku for line in lines])}
    shortages = [_shortage(line, rows.get(line.sku)) for line in lines]
    return [
        shortage
        for shortage in shortages
        if shortage.sellable < shortage.line.quantity or shortage.price_changed
    ]


def find_reservation(order_id: str) -> dict[str, ReservationRow]:
    """Return the order's reservation rows by sort key (`head`, `chunk#<n>`); empty if it has none."""
    rows = ReservationRow.query(reservation_key(order_id), consistent_read=True)
    return {row.sk: row for row in rows}


def transition_head(row: ReservationRow, state: ReservationState) -> None:
    """Change the state of a row without lines. Raises VersionConflict if its state has changed."""
    try:
        row.update([ReservationRow.state.set(state)], condition=ReservationRow.state == row.state)
    except UpdateError as error:
        require_condition_failure(error)
        raise VersionConflict(row.pk) from None


def transition(row: ReservationRow, state: ReservationState, now: datetime) -> None:
    """Change the state of a reservation row and the stock of its lines, in one transaction.

    Variants that were removed since are skipped. Raises VersionConflict if the row's state has changed.
    """
    stock_changes: dict[tuple[str, ReservationState], tuple[int, int]] = {
        (ReservationState.HELD, ReservationState.COMMITTED): (0, -1),  # sold
        (ReservationState.HELD, ReservationState.RELEASED): (1, -1),
        (ReservationState.COMMITTED, ReservationState.RELEASED): (1, 0),  # cancelled after payment
    }
    available, reserved = stock_changes[(row.state, state)]
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
                    _stock_change(now, available=available * quantity, reserved=reserved * quantity),
                    condition=VariantRow.pk.exists(),
                )
    except ConditionFailed as error:
        if error.failed_at(0):
            raise VersionConflict(row.pk) from None
        row.lines = [line for position, line in enumerate(lines, 1) if not error.failed_at(position)]
        transition(row, state, now)


def restock(event_id: str, pieces: Sequence[Pieces], now: datetime) -> list[str] | None:
    """Make returned pieces available, once per `event_id`. Return the SKUs that were skipped.

    SKUs that their product no longer has are skipped. Return None if the event was recorded before.
    """
    try:
        with transaction(CatalogRow) as writes:
            idempotency.record_event(writes, event_id, now)
            for each in pieces:
                writes.update(
                    _variant(each),
                    _stock_change(now, available=each.quantity, reserved=0),
                    condition=VariantRow.pk.exists(),
                )
    except ConditionFailed as error:
        if error.failed_at(0):
            return None
        missing = {each for position, each in enumerate(pieces, 1) if error.failed_at(position)}
        skipped = restock(event_id, [each for each in pieces if each not in missing], now)
        return skipped if skipped is None else [*sorted(each.sku for each in missing), *skipped]
    return []


def set_available(product_id: str, variant: Variant, available: int, now: datetime) -> None:
    """Set the available stock. Raises VersionConflict if the variant changed after it was read."""
    row = VariantRow(product_key(product_id), variant_key(variant.sku))
    try:
        row.update(
            _stock_change(now, available=available - variant.available, reserved=0),
            condition=VariantRow.version == variant.version,
        )
    except UpdateError as error:
        require_condition_failure(error)
        raise VersionConflict(variant.sku) from None


def adjust(product_id: str, variant: Variant, delta: int, idempotency_key: str, now: datetime) -> bool:
    """Add `delta` to the stock once per key. Return False if the key was used before.

    Raises StockReserved if fewer pieces would be on hand than reserved, VersionConflict if the
    variant changed.
    """
    try:
        with transaction(CatalogRow) as writes:
            idempotency.record_event(writes, idempotency_key, now)
            writes.update(
                VariantRow(product_key(product_id), variant_key(variant.sku)),
                _stock_change(now, available=delta, reserved=0),
                condition=(VariantRow.version == variant.version) & (VariantRow.available >= -delta),
            )
    except ConditionFailed as error:
        if error.failed_at(0):
            return False
        if variant.available + delta < 0:
            raise stock_reserved(variant, variant.on_hand + delta) from None
        raise VersionConflict(variant.sku) from None
    return True


def _variant(line: Pieces) -> VariantRow:
    return VariantRow(product_key(line.product_id), variant_key(line.sku))


def _stock_change(now: datetime, *, available: int, reserved: int) -> list[Action]:
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


def _serialized(lines: Sequence[Line]) -> list[list[object]]:
    return [[line.product_id, line.sku, line.quantity] for line in lines]
