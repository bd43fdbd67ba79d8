"""Coupons as rows, and the counts of the orders that use them."""

from dataclasses import dataclass
from datetime import datetime

from pynamodb.transactions import TransactWrite

from cart.domain.promotions import Coupon, CouponState, Terms
from cart.tables.rows import CartTableRow, CouponRow, UsesRow, idempotency, read, save
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.pages import Found, page_of
from shared.dynamodb.rows import ConcurrentUpdate, ConditionFailed, transaction
from shared.runtime import clock

LISTED = "coupon"


@dataclass(frozen=True)
class StoredCode:
    """The stored state of a code. `coupon` is None if it was deleted or never created (then `version` is 0).

    `created_with` is the Idempotency-Key of its creation. `used` is the number of orders that use the code.
    """

    coupon: Coupon | None
    version: int
    created_with: str | None
    used: int


def keys(code: str, owner: str) -> tuple[str, str, str]:
    """Return the keys of the rows that `state_in` reads."""
    return _key(code), _uses(code), _uses_by(code, owner)


def state_in(rows: dict[str, CartTableRow], code: str, owner: str) -> CouponState:
    return CouponState(_coupon(rows.get(_key(code)), rows), _used(rows, _uses_by(code, owner)))


def find(code: str) -> StoredCode:
    rows = read(_key(code), _uses(code))
    row, used = rows.get(_key(code)), _used(rows, _uses(code))
    if not isinstance(row, CouponRow):
        return StoredCode(None, 0, None, used)
    return StoredCode(_coupon(row, rows), int(row.version), row.created_with, used)


def page(after: str | None, limit: int) -> Found[Coupon]:
    """Return the coupons that follow a code, ordered by code.

    Costs one Query and one read of their counts.
    """
    beyond = CouponRow.code > after if after else None
    found = list(CouponRow.by_code.query(LISTED, range_key_condition=beyond, limit=limit + 1))
    counts = read(*(_uses(row.code) for row in found[:limit]))
    listed = [coupon for row in found if (coupon := _coupon(row, counts))]
    return page_of(listed, limit, lambda coupon: {"code": coupon.code})


def write(code: str, terms: Terms | None, version: int, created_with: str | None = None) -> None:
    """Replace the previous version of the coupon; `terms` of None delete it. Raises VersionConflict."""
    row = CouponRow(
        pk=_key(code),
        code=code,
        listed=LISTED if terms else None,
        terms=terms.model_dump_json(exclude_none=True) if terms else None,
        created_with=created_with,
        version=version,
        updated_at=clock.now(),
    )
    save(row, after=version - 1)


def add_uses(writes: TransactWrite, code: str, owner: str, orders: int, now: datetime) -> None:
    """Add to the transaction: this number of orders (negative: fewer) of the owner use the coupon."""
    for key in (_uses(code), _uses_by(code, owner)):
        writes.update(
            UsesRow(pk=key),
            actions=[
                UsesRow.used.add(orders),
                UsesRow.version.add(1),
                UsesRow.kind.set(UsesRow),
                UsesRow.updated_at.set(now),
            ],
        )


def release(code: str, owner: str, order_id: str, now: datetime) -> None:
    """Subtract the order from the coupon's uses, once per order. Raises VersionConflict."""
    try:
        with transaction(CartTableRow) as writes:
            idempotency.record_event(writes, f"{order_id}.coupon-released", now)
            add_uses(writes, code, owner, -1, now)
    except ConditionFailed:
        return
    except ConcurrentUpdate as conflict:
        raise VersionConflict from conflict


def _key(code: str) -> str:
    return f"coupon#{code}"


def _uses(code: str) -> str:
    return f"uses#{code}"


def _uses_by(code: str, owner: str) -> str:
    return f"uses#{code}#{owner}"


def _used(rows: dict[str, CartTableRow], key: str) -> int:
    row = rows.get(key)
    # Below zero for a moment if an order's end arrives before its beginning.
    return max(0, int(row.used)) if isinstance(row, UsesRow) else 0


def _coupon(row: CartTableRow | None, rows: dict[str, CartTableRow]) -> Coupon | None:
    if not isinstance(row, CouponRow) or row.terms is None:
        return None
    terms = Terms.model_validate_json(row.terms)
    return Coupon(row.code, terms, int(row.version), _used(rows, _uses(row.code)))
