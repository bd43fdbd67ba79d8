"""Carts as rows: one row per cart, written only if its version is unchanged."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cart.domain.carts import Cart, Line
from cart.settings import settings
from cart.tables.coupons import add_uses
from cart.tables.rows import CartRow, CartTableRow, LineMap, idempotency, save, unchanged
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.rows import ConcurrentUpdate, ConditionFailed, transaction
from shared.runtime import clock
from shared.values.money import Price

# With 1,000 lines in DynamoDB's 400 KB per item, a title has 240 bytes. GET returns the replica's full title.
MAX_TITLE_BYTES = 240  # bytes


class AlreadyAppliedError(Exception):
    """The operation was applied before."""


def key(owner: str) -> str:
    return f"cart#{owner}"


def write(cart: Cart) -> None:
    """Replace the previous version of the cart. Raises VersionConflict."""
    save(_row(cart), after=cart.version - 1)


def write_once(cart: Cart, operation_id: str, now: datetime) -> None:
    """Write the cart and record the operation. Raises VersionConflict, AlreadyAppliedError."""
    try:
        with transaction(CartTableRow) as writes:
            idempotency.record_event(writes, operation_id, now)
            writes.save(_row(cart), condition=unchanged(cart.version - 1))
    except ConditionFailed as failure:
        raise (AlreadyAppliedError if failure.failed_at(0) else VersionConflict) from failure
    except ConcurrentUpdate as conflict:
        raise VersionConflict from conflict


def write_both(carts: Sequence[Cart]) -> None:
    """Write both carts or neither. Raises VersionConflict."""
    try:
        with transaction(CartTableRow) as writes:
            for cart in carts:
                writes.save(_row(cart), condition=unchanged(cart.version - 1))
    except (ConditionFailed, ConcurrentUpdate) as conflict:
        raise VersionConflict from conflict


def write_ordered(cart: Cart | None, owner: str, order_id: str, coupon: str | None, now: datetime) -> None:
    """Write the cart (None: unchanged), count the coupon's use and record the order, in one transaction.

    Does nothing if the order was recorded before. Raises VersionConflict.
    """
    try:
        with transaction(CartTableRow) as writes:
            idempotency.record_event(writes, f"{order_id}.placed", now)
            if cart:
                writes.save(_row(cart), condition=unchanged(cart.version - 1))
            if coupon:
                add_uses(writes, coupon, owner, 1, now)
    except ConditionFailed as failure:
        if not failure.failed_at(0):
            raise VersionConflict from failure
    except ConcurrentUpdate as conflict:
        raise VersionConflict from conflict


def cart_in(rows: dict[str, CartTableRow], owner: str) -> Cart:
    """Return the owner's cart; without a row, an empty cart at version 0."""
    row = rows.get(key(owner))
    if not isinstance(row, CartRow):
        return Cart(owner=owner, currency=settings().cart_currency)
    lines = [
        Line(
            sku=line.sku,
            product_id=line.product_id,
            title=line.title,
            quantity=int(line.quantity),
            unit_price=Price(amount=int(line.unit_price), currency=row.currency),
            available=int(line.available),
        )
        for line in row.lines
    ]
    return Cart(
        owner=owner,
        currency=row.currency,
        lines={line.sku: line for line in lines},
        coupon=row.coupon,
        version=int(row.version),
        expires_at=datetime.fromtimestamp(row.expires_at, UTC) if row.expires_at else None,
    )


def _row(cart: Cart) -> CartRow:
    return CartRow(
        pk=key(cart.owner),
        currency=cart.currency,
        lines=[
            LineMap(  # type: ignore[no-untyped-call]
                sku=line.sku,
                product_id=line.product_id,
                title=line.title.encode()[:MAX_TITLE_BYTES].decode(errors="ignore"),
                quantity=line.quantity,
                unit_price=line.unit_price.amount,
                available=line.available,
            )
            for line in cart.lines.values()
        ],
        coupon=cart.coupon,
        version=cart.version,
        expires_at=clock.epoch(cart.expires_at) if cart.expires_at else None,
        updated_at=clock.now(),
    )
