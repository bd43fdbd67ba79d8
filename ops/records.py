"""What the audit needs of the stage's rows, read by their keys and formats, apart from the code it audits."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# What of an order's timeline others hear, and as which event: each counts one in the order's sequence.
# tests/ops holds this to what orders' relay says.
SAID = {
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


def moment(text: str) -> datetime:
    """A time as rows keep it (`2026-03-02T09:00:00.000000+0000`)."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def _at(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


@dataclass(frozen=True)
class Happened:
    """A line of an order's timeline."""

    at: datetime
    kind: str
    ref: str


@dataclass(frozen=True)
class Due:
    """Money that an order says must go back, in minor units."""

    key: str
    payment_id: str
    amount: int


@dataclass(frozen=True)
class SentBack:
    return_id: str
    pieces: Mapping[str, int]
    at: datetime
    status: str
    restock: bool
    refund: int


@dataclass(frozen=True)
class Order:
    """An order; money in minor units. `pieces` by SKU, `refunded` by payment."""

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
    parcels: tuple[tuple[str, Mapping[str, int]], ...]
    returns: tuple[SentBack, ...]
    invoice: str | None
    redeemed: tuple[str, ...]
    timeline: tuple[Happened, ...]

    def has(self, kind: str) -> bool:
        return any(entry.kind == kind for entry in self.timeline)

    @property
    def was_given_up(self) -> bool:
        """Its goods and coupon went back as a whole: cancelled, expired, refused, refunded unshipped."""
        return any(self.has(kind) for kind in ("order.cancelled", "order.expired", "order.rejected"))

    @property
    def refunded(self) -> int:
        """What it heard has gone back of the payment that it was paid with."""
        return self.refunded_by_payment.get(self.payment_id or "", 0)

    def events(self) -> dict[str, Happened]:
        """The id of every event that it said → the line of the timeline that it said so of."""
        said = [entry for entry in self.timeline if entry.kind in SAID]
        return {f"{self.order_id}.{n}.{SAID[entry.kind]}": entry for n, entry in enumerate(said, 1)}


def order_of(row: Row) -> Order:
    """Raises KeyError, ValueError: the row is none that orders writes."""
    terms = json.loads(row["terms"]) if row.get("terms") else None
    lines: list[list[Any]] = terms["l"] if terms else []
    skus = [line[0] for line in lines]
    invoice = _json(row, "invoice")
    return Order(
        order_id=row["order_id"],
        user_id=row["user_id"],
        status=row["status"],
        version=row["version"],
        changed_at=moment(row["updated_at"]),
        expires_at=moment(row["expires_at"]) if row.get("expires_at") else None,
        total=terms["s"][5] if terms else 0,
        pieces=Counter({line[0]: line[3] for line in lines}),
        email=terms["e"] if terms else "",
        coupon=terms["k"] if terms else None,
        payment_id=row.get("payment_id"),
        dues=tuple(Due(key, due[0], due[1]) for key, due in (_json(row, "refunds_due") or {}).items()),
        refunded_by_payment=_json(row, "refunded") or {},
        parcels=tuple(
            (parcel[0], {skus[place]: quantity for place, quantity in parcel[1]})
            for parcel in _json(row, "fulfilments") or []
        ),
        returns=tuple(
            SentBack(
                made[0],
                {skus[place]: quantity for place, quantity in made[1]},
                _at(made[3]),
                made[4],
                bool(made[5]),
                made[6],
            )
            for made in _json(row, "returns") or []
        ),
        invoice=invoice[0] if invoice else None,
        redeemed=tuple(_json(row, "redeemed") or ()),
        timeline=tuple(
            Happened(_at(entry[0]), entry[1], entry[4] if len(entry) > 4 else "")
            for entry in _json(row, "timeline") or []
        ),
    )


def _json(row: Row, name: str) -> Any:
    return json.loads(row[name]) if row.get(name) else None


@dataclass(frozen=True)
class Entry:
    """An entry of a payment's ledger: (account, amount in minor units) lines that sum to zero."""

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
    """A payment with its refunds and its ledger; money in minor units of `currency`."""

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


def payments_of(rows: Sequence[Row]) -> dict[str, Payment]:
    """The payments in their table's rows, by id. Raises KeyError where a part belongs to no payment."""
    found = {
        row["pk"]: Payment(
            payment_id=row["payment_id"],
            order_id=row["order_id"],
            amount=row["amount"],
            currency=row["currency"],
            status=row["status"],
            provider_id=row.get("provider_id"),
            captured=row.get("captured") or 0,
            refunded=row.get("refunded") or 0,
            updated_at=moment(row["updated_at"]),
            capture=row.get("capture") or "automatic",
        )
        for row in rows
        if row["sk"] == "payment"
    }
    for row in rows:
        key = row["sk"]
        if key.startswith("ref_"):
            found[row["pk"]].refunds.append(
                Refund(key, row["amount"], row["status"], row.get("provider_id"), moment(row["updated_at"]))
            )
        if key.startswith("ledger#"):
            lines = _lines(row["lines"])
            found[row["pk"]].ledger.append(Entry(key, row["kind"], row["currency"], lines))
    return {payment.payment_id: payment for payment in found.values()}


def _lines(kept: str) -> tuple[tuple[str, int], ...]:
    return tuple((account, int(amount)) for account, amount in json.loads(kept))
