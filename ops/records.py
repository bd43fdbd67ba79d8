"""The stage's rows as the audit needs them, parsed independently of the code that the audit checks."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# The timeline entries that orders publishes and the types of their events; each has the next sequence number.
# tests/ops compares this with orders' relay.
EVENTS = {
    "order.placed": "order.placed",
    "order.paid": "order.paid",
    "order.invoiced": "order.invoiced",
    "order.rejected": "order.cancelled",
    "order.cancelled": "order.cancelled",
    "order.expired": "order.expired",
    "order.shipped": "order.shipped",
    "order.delivered": "order.delivered",
    "return.approved": "order.return_decided",
    "return.rejected": "order.return_decided",
    "return.received": "order.returned",
    "refund.due": "order.refund_due",
}


def parse_time(text: str) -> datetime:
    """Parse a time as rows store it (`2026-03-02T09:00:00.000000+0000`)."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def _from_ms(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


@dataclass(frozen=True)
class TimelineEntry:
    """An entry of an order's timeline. `ref` is the id of its fulfilment or return."""

    at: datetime
    kind: str
    ref: str


@dataclass(frozen=True)
class Due:
    """A refund that an order owes, in minor units."""

    key: str
    payment_id: str
    amount: int


@dataclass(frozen=True)
class Return:
    return_id: str
    pieces: Mapping[str, int]
    at: datetime
    status: str
    restock: bool
    refund: int


@dataclass(frozen=True)
class Order:
    """An order, with amounts in minor units. `pieces` are quantities by SKU."""

    order_id: str
    user_id: str
    status: str
    version: int
    changed_at: datetime
    expires_at: datetime | None
    total: int
    pieces: Mapping[str, int]
    email: str
    coupon: str | None
    payment_id: str | None
    dues: tuple[Due, ...]
    refunded_by_payment: Mapping[str, int]
    fulfilments: tuple[tuple[str, Mapping[str, int]], ...]
    returns: tuple[Return, ...]
    invoice: str | None
    redeemed: tuple[str, ...]
    timeline: tuple[TimelineEntry, ...]

    def has(self, kind: str) -> bool:
        return any(entry.kind == kind for entry in self.timeline)

    @property
    def was_released(self) -> bool:
        """Whether stock and coupon were released, which also happens to orders refunded before shipping."""
        return any(self.has(kind) for kind in ("order.cancelled", "order.expired", "order.rejected"))

    def events(self) -> dict[str, TimelineEntry]:
        """Return the order's published events: id → timeline entry."""
        published = [entry for entry in self.timeline if entry.kind in EVENTS]
        return {f"{self.order_id}.{n}.{EVENTS[entry.kind]}": entry for n, entry in enumerate(published, 1)}


def parse_order(row: Row) -> Order:
    """Parse a row of orders. Raises KeyError or ValueError if its format is unknown."""
    terms = json.loads(row["terms"]) if row.get("terms") else None
    lines: list[list[Any]] = terms["l"] if terms else []
    skus = [line[0] for line in lines]
    invoice = _json(row, "invoice")
    return Order(
        order_id=row["order_id"],
        user_id=row["user_id"],
        status=row["status"],
        version=row["version"],
        changed_at=parse_time(row["updated_at"]),
        expires_at=parse_time(row["expires_at"]) if row.get("expires_at") else None,
        total=terms["s"][5] if terms else 0,
        pieces=Counter({line[0]: line[3] for line in lines}),
        email=terms["e"] if terms else "",
        coupon=terms["k"] if terms else None,
        payment_id=row.get("payment_id"),
        dues=tuple(Due(key, due[0], due[1]) for key, due in (_json(row, "refunds_due") or {}).items()),
        refunded_by_payment=_json(row, "refunded") or {},
        fulfilments=tuple(
            (fulfilment[0], {skus[index]: quantity for index, quantity in fulfilment[1]})
            for fulfilment in _json(row, "fulfilments") or []
        ),
        returns=tuple(
            Return(
                return_[0],
                {skus[index]: quantity for index, quantity in return_[1]},
                _from_ms(return_[3]),
                return_[4],
                bool(return_[5]),
                return_[6],
            )
            for return_ in _json(row, "returns") or []
        ),
        invoice=invoice[0] if invoice else None,
        redeemed=tuple(_json(row, "redeemed") or ()),
        timeline=tuple(
            TimelineEntry(_from_ms(entry[0]), entry[1], entry[4] if len(entry) > 4 else "")
            for entry in _json(row, "timeline") or []
        ),
    )


def _json(row: Row, name: str) -> Any:
    return json.loads(row[name]) if row.get(name) else None


@dataclass(frozen=True)
class Entry:
    """A ledger entry of a payment. Its lines are (account, amount in minor units) and sum to zero."""

    key: str
    kind: str
    currency: str
    lines: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Refund:
    refund_id: str
    amount: int
    status: str
    provider_id: str | None
    updated_at: datetime


@dataclass
class Payment:
    """A payment with its refunds and its ledger, with amounts in minor units of `currency`."""

    payment_id: str
    order_id: str
    amount: int
    currency: str
    status: str
    provider_id: str | None
    captured: int
    refunded: int
    updated_at: datetime
    capture: str = "automatic"
    refunds: list[Refund] = field(default_factory=list)
    ledger: list[Entry] = field(default_factory=list)


def parse_payments(rows: Sequence[Row]) -> dict[str, Payment]:
    """Parse the rows of payments; return payments by id. Raises KeyError if a row has no payment."""
    found = {
        row["pk"]: Payment(
            payment_id=row["payment_id"],
            order_id=row["order_id"],
            amount=row["amount"],
            currency=row["currency"],
            status=row["status"],
            provider_id=row.get("intent_id"),
            captured=row.get("captured") or 0,
            refunded=row.get("refunded") or 0,
            updated_at=parse_time(row["updated_at"]),
            capture=row.get("capture_method") or "automatic",
        )
        for row in rows
        if row["sk"] == "payment"
    }
    for row in rows:
        key = row["sk"]
        if key.startswith("ref_"):
            found[row["pk"]].refunds.append(
                Refund(
                    key, row["amount"], row["status"], row.get("provider_id"), parse_time(row["updated_at"])
                )
            )
        if key.startswith("ledger#"):
            lines = _lines(row["lines"])
            found[row["pk"]].ledger.append(Entry(key, row["kind"], row["currency"], lines))
    return {payment.payment_id: payment for payment in found.values()}


def _lines(text: str) -> tuple[tuple[str, int], ...]:
    return tuple((account, int(amount)) for account, amount in json.loads(text))
