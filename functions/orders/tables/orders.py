"""The orders' rows and the only code that touches them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import PutError
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from orders.domain import Entry, Order, RefundDue, Status, Terms
from orders.settings import settings
from shared import idempotency
from shared.aws import REGION
from shared.errors import RequestInProgress
from shared.idempotency import Key, Once
from shared.money import Money, Price
from shared.quotes import QuotedLine, ShippingAddress
from shared.rows import Contended, Row, refused_by_condition, transaction, warm

DEADLINE_SHARDS = 8  # open orders spread over as many index partitions: 8,000 new deadlines a second

MAX_ID = 64  # ours have 30 characters; DynamoDB calls a key of more than 1,024 bytes an error, not absent


class Overtaken(Exception):
    """Another writer came between the read and the write: read again."""


class ByOrder(GlobalSecondaryIndex["OrderRow"]):  # type: ignore[no-untyped-call]
    """From an order's id to its owner: for staff, payments and their events."""

    class Meta:
        index_name = "by-order"
        projection = KeysOnlyProjection()

    order_id = UnicodeAttribute(hash_key=True)


class ByDeadline(GlobalSecondaryIndex["OrderRow"]):  # type: ignore[no-untyped-call]
    """Open orders by the time that they run out: for the sweeper. Closed ones are not in it."""

    class Meta:
        index_name = "by-deadline"
        projection = KeysOnlyProjection()

    deadline_shard = UnicodeAttribute(hash_key=True)
    expires_at = UTCDateTimeAttribute(range_key=True)


class OrderRow(Row):
    """One order in one row under its owner, timeline included: each change is one write, whole or not at all.

    `terms` is `domain.Terms` as compact JSON, lines as arrays (sku, product_id, title, quantity, price): an
    order of three lines stays under 2 KB, one of 1,000 under 400 KB.
    """

    class Meta:
        table_name = settings().orders_table
        region = REGION

    user_id = UnicodeAttribute(hash_key=True)
    order_id = UnicodeAttribute(range_key=True)
    status = UnicodeAttribute()
    version = NumberAttribute()
    updated_at = UTCDateTimeAttribute()
    deadline_shard = UnicodeAttribute(null=True)
    expires_at = UTCDateTimeAttribute(null=True)
    terms = UnicodeAttribute(null=True)
    payment_id = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    refusal = JSONAttribute(null=True)
    refunds_due = JSONAttribute(null=True)
    timeline = UnicodeAttribute(null=True)

    by_order = ByOrder()
    by_deadline = ByDeadline()


class OnceRow(idempotency.OnceRow):
    class Meta:
        table_name = settings().orders_once_table
        region = REGION


once = Once(OnceRow)
warm(OrderRow, OnceRow)


def probe() -> None:
    """Touch the table: raises where it cannot be read."""
    find("health", "health")


def find(user_id: str, order_id: str) -> Order | None:
    """The owner's order: one GetItem. Nobody else's is ever found."""
    if len(order_id) > MAX_ID:
        return None
    try:
        return to_order(OrderRow.get(user_id, order_id, consistent_read=True))
    except OrderRow.DoesNotExist:
        return None


def find_any(order_id: str) -> Order | None:
    """Whoever's order it is: one Query of the index for the owner, one GetItem."""
    if len(order_id) > MAX_ID:
        return None
    for keys in OrderRow.by_order.query(order_id, limit=1):
        return find(keys.user_id, order_id)
    return None


def list_of(
    user_id: str, limit: int, after: dict[str, Any] | None
) -> tuple[list[Order], dict[str, Any] | None]:
    """A page of the owner's orders, newest first, and the key to go on after: one Query."""
    page = OrderRow.query(
        user_id,
        consistent_read=True,
        scan_index_forward=False,
        limit=limit,
        page_size=limit,
        last_evaluated_key=after,
    )
    return [to_order(row) for row in page], page.last_evaluated_key


def overdue(now: datetime) -> Iterator[tuple[str, str]]:
    """(owner, order id) of every open order whose time is over: a Query a shard, each minute another first,
    so that a run that is cut short does not always leave the same ones.
    """
    for step in range(DEADLINE_SHARDS):
        shard = (now.minute + step) % DEADLINE_SHARDS
        for keys in OrderRow.by_deadline.query(str(shard), OrderRow.expires_at <= now):
            yield keys.user_id, keys.order_id


def claim(key: Key, order: Order, now: datetime) -> None:
    """Take the key and write the new order, both or neither.

    Raises Refused where either is there already, RequestInProgress where either is just being written.
    """
    try:
        with transaction(OrderRow) as writes:
            writes.save(once.fresh(key, order.order_id, now), once.is_free(now))
            writes.save(to_row(order), OrderRow.order_id.does_not_exist())
    except Contended as contended:
        # Nobody but a twin of this request writes these two rows.
        raise RequestInProgress from contended


def bind(key: Key, order_id: str, now: datetime) -> None:
    """Take another key for an order that is there already."""
    try:
        once.fresh(key, order_id, now).save(once.is_free(now))
    except PutError as error:
        refused_by_condition(error)


def claimed(key: Key) -> OnceRow | None:
    """What the key was taken for, or None."""
    try:
        return OnceRow.get(key.pk, consistent_read=True)
    except OnceRow.DoesNotExist:
        return None


def release(key: Key) -> None:
    """The first call failed for no fault of the caller's: a retry may go on at once."""
    once.release(OnceRow(pk=key.pk, expires_at=0))


def save(order: Order) -> None:
    """Write the order's next version. Raises Overtaken unless the row is at the version before."""
    try:
        to_row(order).save(OrderRow.version == order.version - 1)
    except PutError as error:
        refused_by_condition(error)
        raise Overtaken(order.order_id) from None


def to_row(order: Order) -> OrderRow:
    expires = order.expires_at
    return OrderRow(
        user_id=order.user_id,
        order_id=order.order_id,
        status=order.status.value,
        version=order.version,
        updated_at=order.changed_at,
        deadline_shard=str(crc32(order.order_id.encode()) % DEADLINE_SHARDS) if expires else None,
        expires_at=expires,
        terms=_pack(order.terms) if order.terms else None,
        payment_id=order.payment_id,
        reason=order.reason,
        refusal=order.refusal,
        refunds_due={
            payment: [due.amount.amount, due.amount.currency, due.reason]
            for payment, due in order.refunds_due.items()
        }
        or None,
        timeline=_compact([[_ms(e.at), e.type, e.actor, e.detail] for e in order.timeline])
        if order.timeline
        else None,
    )


def to_order(row: OrderRow) -> Order:
    """The order in a row, which may come from a stream's image."""
    return Order(
        order_id=row.order_id,
        user_id=row.user_id,
        status=Status(row.status),
        version=int(row.version),
        changed_at=row.updated_at,
        expires_at=row.expires_at,
        terms=_unpack(row.terms) if row.terms else None,
        payment_id=row.payment_id,
        reason=row.reason,
        refusal=row.refusal,
        refunds_due={
            payment: RefundDue(Money(amount=amount, currency=currency), reason)
            for payment, (amount, currency, reason) in (row.refunds_due or {}).items()
        },
        timeline=tuple(
            Entry(_at(ms), kind, actor, detail)
            for ms, kind, actor, detail in json.loads(row.timeline or "[]")
        ),
    )


def _pack(terms: Terms) -> str:
    return _compact(
        {
            "l": [[n.sku, n.product_id, n.title, n.quantity, n.unit_price.amount] for n in terms.lines],
            "c": terms.total.currency,
            "s": [
                part.amount
                for part in (terms.subtotal, terms.discount, terms.shipping, terms.tax, terms.total)
            ],
            "m": terms.shipping_method,
            "a": terms.shipping_address.model_dump(exclude_none=True),
            "e": terms.email,
            "at": [_ms(terms.placed_at), _ms(terms.pay_by)],
            "k": terms.coupon,
        }
    )


def _unpack(text: str) -> Terms:
    packed = json.loads(text)
    currency = packed["c"]
    subtotal, discount, shipping, tax, total = (Money(amount=n, currency=currency) for n in packed["s"])
    placed_at, pay_by = (_at(ms) for ms in packed["at"])
    return Terms(
        lines=tuple(
            QuotedLine(
                sku=sku,
                product_id=product_id,
                title=title,
                quantity=quantity,
                unit_price=Price(amount=price, currency=currency),
                line_total=Money(amount=price * quantity, currency=currency),
            )
            for sku, product_id, title, quantity, price in packed["l"]
        ),
        subtotal=subtotal,
        discount=discount,
        shipping=shipping,
        tax=tax,
        total=total,
        shipping_method=packed["m"],
        shipping_address=ShippingAddress(**packed["a"]),
        email=packed["e"],
        placed_at=placed_at,
        pay_by=pay_by,
        coupon=packed["k"],
    )


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _at(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
