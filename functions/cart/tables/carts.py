"""Carts as rows: one row a cart, every write under the version that was read."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cart.domain.carts import Cart, Line
from cart.settings import settings
from cart.tables.coupons import count
from cart.tables.rows import CartRow, CartTableRow, LineMap, VersionConflict, idempotency, save, unchanged
from shared.dynamodb.rows import ConcurrentUpdate, ConditionFailed, transaction
from shared.runtime import clock
from shared.values.money import Price

# 1,000 lines must fit DynamoDB's 400 KB: that leaves a title 240 bytes. GET shows it whole, from the replica.
TITLE_BYTES = 240


class DoneBefore(Exception):
    """This very request was carried out before."""


def key(owner: str) -> str:
    return f"cart#{owner}"


def write(cart: Cart) -> None:
    """Write this version of the cart after the one before it. Raises VersionConflict where that is gone."""
    save(_row(cart), after=cart.version - 1)


def write_once(cart: Cart, mark: str, now: datetime) -> None:
    """Write the cart as `write` does, once a mark. Raises VersionConflict, DoneBefore."""
    try:
        with transaction(CartTableRow) as writes:
            idempotency.record_event(writes, mark, now)
            writes.save(_row(cart), condition=unchanged(cart.version - 1))
    except ConditionFailed as refused:
        raise (DoneBefore if refused.failed_at(0) else VersionConflict) from refused
    except ConcurrentUpdate as contended:
        raise VersionConflict from contended


def write_both(carts: Sequence[Cart]) -> None:
    """Write two carts as `write` does, both or neither. Raises VersionConflict."""
    try:
        with transaction(CartTableRow) as writes:
            for cart in carts:
                writes.save(_row(cart), condition=unchanged(cart.version - 1))
    except (ConditionFailed, ConcurrentUpdate) as overtaken:
        raise VersionConflict from overtaken


def write_forgetting(cart: Cart | None, owner: str, order_id: str, coupon: str | None, now: datetime) -> None:
    """Write the cart (None: it does not change), count its coupon as held, remember that the order was
    forgotten: all of it or nothing.

    Does nothing where it was before. Raises VersionConflict where the cart has changed meanwhile.
    """
    try:
        with transaction(CartTableRow) as writes:
            idempotency.record_event(writes, f"{order_id}.forgotten", now)
            if cart:
                writes.save(_row(cart), condition=unchanged(cart.version - 1))
            if coupon:
                count(writes, coupon, owner, 1, now)
    except ConditionFailed as refused:
        if not refused.failed_at(0):
            raise VersionConflict from refused
    except ConcurrentUpdate as contended:
        raise VersionConflict from contended


def cart_in(rows: dict[str, CartTableRow], owner: str) -> Cart:
    """The owner's cart, empty at version 0 where there is none."""
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
                title=line.title.encode()[:TITLE_BYTES].decode(errors="ignore"),
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
