"""The conversion between orders and rows: lines as arrays, times in milliseconds, pieces by line index."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from orders.domain.orders import Fulfilment, Invoice, Order, PaymentTotals, RefundDue, RefundKey, Return
from orders.domain.terms import Terms
from orders.domain.timeline import Entry, TimelineEvent
from orders.domain.transitions import ReturnStatus, Status
from orders.tables.rows import SHARDS, OrderRow
from shared.contracts.quotes import QuotedLine, ShippingAddress
from shared.contracts.reasons import CancelReason, RefundReason
from shared.values.money import Money

MAX_MS = 10**13 - 1  # the highest number of 13 digits: the year 2286
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def shard_of(order_id: str) -> str:
    return str(crc32(order_id.encode()) % SHARDS)


def placed_key(moment: datetime, order_id: str = "") -> str:
    """Return the sort key of lists: the time in milliseconds, then a part of the id, so that it is unique."""
    return f"{min(max(_ms(moment), 0), MAX_MS):013}{order_id[-10:]}"


def to_row(order: Order) -> OrderRow:
    shard = shard_of(order.order_id)
    placed = order.terms is not None and order.was_placed
    index = {line.sku: n for n, line in enumerate(order.terms.lines)} if order.terms else {}
    return OrderRow(
        user_id=order.user_id,
        order_id=order.order_id,
        number=order.number,
        status=order.status.value,
        version=order.version,
        updated_at=order.changed_at,
        shard=shard,
        listed=f"{order.status.value}#{shard}" if placed else None,
        placed=placed_key(order.agreed_terms.placed_at, order.order_id) if placed else None,
        expires_at=order.expires_at,
        terms=_pack_terms(order.terms) if order.terms else None,
        payment_id=order.payment_id,
        reason=order.reason.value if order.reason else None,
        rejection=order.rejection,
        refunds_due={
            key: [due.payment_id, due.amount.amount, due.amount.currency, due.reason.value]
            for key, due in order.refunds_due.items()
        }
        or None,
        payment_totals={key: _pack_totals(each) for key, each in order.payment_totals.items()} or None,
        refunded={key: each.refunded for key, each in order.payment_totals.items() if each.refunded} or None,
        fulfilments=_compact_or_none(
            [
                [f.fulfilment_id, _pack_pieces(f.pieces, index), f.carrier, f.tracking, _ms(f.at)]
                for f in order.fulfilments
            ]
        ),
        returns=_compact_or_none(
            [
                [
                    *(r.return_id, _pack_pieces(r.pieces, index), r.reason, _ms(r.at)),
                    *(r.status, r.restock, r.refund),
                ]
                for r in order.returns
            ]
        ),
        invoice=[order.invoice.number, _ms(order.invoice.issued_at)] if order.invoice else None,
        redeemed=list(order.redeemed) or None,
        timeline=_compact_or_none([_pack_entry(entry) for entry in order.timeline]),
    )


def to_order(row: OrderRow) -> Order:
    """Return the order of a row, which may be an image from the table's stream."""
    terms = _unpack_terms(row.terms) if row.terms else None
    skus = [line.sku for line in terms.lines] if terms else []
    return Order(
        order_id=row.order_id,
        user_id=row.user_id,
        status=Status(row.status),
        version=int(row.version),
        changed_at=row.updated_at,
        expires_at=row.expires_at,
        terms=terms,
        payment_id=row.payment_id,
        reason=CancelReason(row.reason) if row.reason else None,
        rejection=row.rejection,
        refunds_due={
            RefundKey(key): RefundDue(
                payment_id, Money(amount=amount, currency=currency), RefundReason(reason)
            )
            for key, (payment_id, amount, currency, reason) in (row.refunds_due or {}).items()
        },
        payment_totals={
            key: PaymentTotals(captured, (row.refunded or {}).get(key, 0), version, bool(voided))
            for key, (captured, version, *voided) in (row.payment_totals or {}).items()
        },
        fulfilments=tuple(
            Fulfilment(fulfilment_id, _unpack_pieces(packed, skus), carrier, tracking, _at(ms))
            for fulfilment_id, packed, carrier, tracking, ms in _unpack(row.fulfilments)
        ),
        returns=tuple(
            Return(
                *(return_id, _unpack_pieces(packed, skus), reason, _at(ms)),
                *(ReturnStatus(status), restock, refund),
            )
            for return_id, packed, reason, ms, status, restock, refund in _unpack(row.returns)
        ),
        invoice=Invoice(row.invoice[0], _at(row.invoice[1])) if row.invoice else None,
        redeemed=tuple(row.redeemed or ()),
        timeline=tuple(
            Entry(_at(ms), TimelineEvent(kind), actor, *rest)
            for ms, kind, actor, *rest in _unpack(row.timeline)
        ),
        request_id=row.request_id,
    )


def _pack_pieces(pieces: Mapping[str, int], index: Mapping[str, int]) -> list[list[int]]:
    return [[index[sku], quantity] for sku, quantity in pieces.items()]


def _unpack_pieces(packed: list[list[int]], skus: list[str]) -> dict[str, int]:
    return {skus[line]: quantity for line, quantity in packed}


def _pack_totals(totals: PaymentTotals) -> list[int]:
    packed = [totals.captured, totals.version]
    return [*packed, 1] if totals.voided else packed


def _pack_entry(entry: Entry) -> list[Any]:
    """Return the entry without its empty last fields: most entries have no `ref`."""
    packed: list[Any] = [_ms(entry.at), entry.type, entry.actor, entry.detail, entry.ref]
    while packed[-1] == "":
        packed.pop()
    return packed


def _pack_terms(terms: Terms) -> str:
    amounts = (terms.subtotal, terms.discount, terms.shipping, terms.tax, terms.shipping_tax, terms.total)
    return _compact(
        {
            "l": [_pack_line(line) for line in terms.lines],
            "c": terms.total.currency,
            "s": [money.amount for money in amounts],
            "x": int(not terms.tax_inclusive),
            "m": terms.shipping_method,
            "a": terms.shipping_address.model_dump(exclude_none=True),
            "e": terms.email,
            "at": [_ms(terms.placed_at), _ms(terms.pay_by)],
            "k": terms.coupon,
        }
    )


def _pack_line(line: QuotedLine) -> list[Any]:
    packed: list[Any] = [line.sku, line.product_id, line.title, line.quantity, line.unit_price.amount]
    packed += [money.amount if money else 0 for money in (line.tax, line.discount)]
    while packed[-1] == 0 and len(packed) > 5:
        packed.pop()
    return packed


def _unpack_terms(text: str) -> Terms:
    packed = json.loads(text)
    currency = packed["c"]
    amounts = (Money(amount=amount, currency=currency) for amount in packed["s"])
    subtotal, discount, shipping, tax, shipping_tax, total = amounts
    placed_at, pay_by = (_at(ms) for ms in packed["at"])
    return Terms(
        lines=tuple(_unpack_line(currency, *line) for line in packed["l"]),
        subtotal=subtotal,
        discount=discount,
        shipping=shipping,
        tax=tax,
        shipping_tax=shipping_tax,
        tax_inclusive=not packed["x"],
        total=total,
        shipping_method=packed["m"],
        shipping_address=ShippingAddress(**packed["a"]),
        email=packed["e"],
        placed_at=placed_at,
        pay_by=pay_by,
        coupon=packed["k"],
    )


def _unpack_line(
    currency: str,
    sku: str,
    product_id: str,
    title: str,
    quantity: int,
    price: int,
    tax: int = 0,
    discount: int = 0,
) -> QuotedLine:
    # One validation of the whole line takes half the time of one per amount.
    return QuotedLine.model_validate(
        {
            "sku": sku,
            "product_id": product_id,
            "title": title,
            "quantity": quantity,
            "unit_price": {"amount": price, "currency": currency},
            "line_total": {"amount": price * quantity, "currency": currency},
            "discount": {"amount": discount, "currency": currency} if discount else None,
            "tax": {"amount": tax, "currency": currency} if tax else None,
        }
    )


def _unpack(values: str | None) -> list[Any]:
    return json.loads(values) if values else []


def _compact_or_none(values: list[Any]) -> str | None:
    return _compact(values) if values else None


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _at(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)
