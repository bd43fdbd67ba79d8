"""Coupons as rows, and the counts of the orders that hold them."""

from dataclasses import dataclass
from datetime import datetime

from pynamodb.transactions import TransactWrite

from cart.domain.promotions import Coupon, Held, Terms
from cart.tables.rows import CartTableRow, CouponRow, UsesRow, VersionConflict, idempotency, read, save
from shared.dynamodb.rows import ConcurrentUpdate, ConditionFailed, transaction
from shared.runtime import clock

LISTED = "coupon"


@dataclass(frozen=True)
class Found:
    """What is kept under a code: the coupon, if there is one now; its row's `version`, 0 where there never
    was one; the key that it was made with; how many orders hold one of this code."""

    coupon: Coupon | None
    version: int
    made_by: str | None
    used: int


def keys(code: str, owner: str) -> tuple[str, str, str]:
    """The rows that `held_in` wants to see."""
    return _key(code), _uses(code), _uses_by(code, owner)


def held_in(rows: dict[str, CartTableRow], code: str, owner: str) -> Held:
    """What is known of a cart's coupon, and of its use by the cart's owner."""
    return Held(_coupon(rows.get(_key(code)), rows), _count(rows, _uses_by(code, owner)))


def find(code: str) -> Found:
    rows = read(_key(code), _uses(code))
    row, used = rows.get(_key(code)), _count(rows, _uses(code))
    if not isinstance(row, CouponRow):
        return Found(None, 0, None, used)
    return Found(_coupon(row, rows), int(row.version), row.made_by, used)


def page(after: str | None, limit: int) -> tuple[list[Coupon], bool]:
    """Coupons after a code, in the order of their codes, and whether there are more behind them.

    One Query, and one read of their counts.
    """
    beyond = CouponRow.code > after if after else None
    found = list(CouponRow.by_code.query(LISTED, range_key_condition=beyond, limit=limit + 1))
    shown = found[:limit]
    counts = read(*(_uses(row.code) for row in shown))
    return [coupon for row in shown if (coupon := _coupon(row, counts))], len(found) > limit


def write(code: str, terms: Terms | None, version: int, made_by: str | None = None) -> None:
    """Write this version of the coupon after the one before it; None: there is none any more.

    Raises VersionConflict.
    """
    row = CouponRow(
        pk=_key(code),
        code=code,
        listed=LISTED if terms else None,
        terms=terms.model_dump_json(exclude_none=True) if terms else None,
        made_by=made_by,
        version=version,
        updated_at=clock.now(),
    )
    save(row, after=version - 1)


def count(writes: TransactWrite, code: str, owner: str, orders: int, now: datetime) -> None:
    """So many more orders (or fewer) hold the coupon, in all and of this owner's."""
    for key in (_uses(code), _uses_by(code, owner)):
        writes.update(
            UsesRow(pk=key),
            actions=[
                UsesRow.held.add(orders),
                UsesRow.version.add(1),
                UsesRow.kind.set(UsesRow),
                UsesRow.updated_at.set(now),
            ],
        )


def give_back(code: str, owner: str, order_id: str, now: datetime) -> None:
    """One order less holds the coupon: once an order, however often it is said. Raises VersionConflict."""
    try:
        with transaction(CartTableRow) as writes:
            idempotency.record_event(writes, f"{order_id}.given-back", now)
            count(writes, code, owner, -1, now)
    except ConditionFailed:
        return
    except ConcurrentUpdate as contended:
        raise VersionConflict from contended


def _key(code: str) -> str:
    return f"coupon#{code}"


def _uses(code: str) -> str:
    return f"uses#{code}"


def _uses_by(code: str, owner: str) -> str:
    return f"uses#{code}#{owner}"


def _count(rows: dict[str, CartTableRow], key: str) -> int:
    row = rows.get(key)
    # Below zero for a moment, where an order's end was heard before its beginning.
    return max(0, int(row.held)) if isinstance(row, UsesRow) else 0


def _coupon(row: CartTableRow | None, rows: dict[str, CartTableRow]) -> Coupon | None:
    if not isinstance(row, CouponRow) or row.terms is None:
        return None
    terms = Terms.model_validate_json(row.terms)
    return Coupon(row.code, terms, int(row.version), _count(rows, _uses(row.code)))
