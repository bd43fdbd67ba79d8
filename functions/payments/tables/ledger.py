"""Ledger entries: append-only rows in the partition of their payment."""

from typing import Any

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute

from payments.domain.ledger import Account, Entry, Line
from payments.tables.rows import PaymentsRow, key_of
from shared.dynamodb.attributes import JsonAttribute
from shared.dynamodb.pages import Found, read_page

PREFIX = "ledger#"


class LedgerRow(PaymentsRow):
    """pk `payment#<id>`, sk `ledger#<the payment's version, 10 digits>`; `lines` are [account, amount]."""

    kind = UnicodeAttribute()
    currency = UnicodeAttribute()
    lines = JsonAttribute()
    reference = UnicodeAttribute(null=True)
    at = UTCDateTimeAttribute()

    @classmethod
    def of(cls, entry: Entry) -> "LedgerRow":
        return cls(
            key_of(entry.payment_id),
            f"{PREFIX}{entry.version:010}",
            kind=entry.kind,
            currency=entry.currency,
            lines=[[line.account.value, line.amount] for line in entry.lines],
            reference=entry.reference,
            at=entry.at,
        )

    def entry(self) -> Entry:
        return Entry(
            payment_id=self.pk.removeprefix("payment#"),
            version=int(self.sk.removeprefix(PREFIX)),
            kind=self.kind,
            currency=self.currency,
            lines=tuple(Line(Account(account), amount) for account, amount in self.lines),
            reference=self.reference,
            at=self.at,
        )


def page(payment_id: str, limit: int, start: dict[str, Any] | None) -> Found[Entry]:
    """Return a page of a payment's entries, oldest first: 1 Query."""
    query = LedgerRow.query(
        key_of(payment_id),
        LedgerRow.sk.startswith(PREFIX),
        page_size=limit + 1,
        last_evaluated_key=start,
    )
    return read_page(query, LedgerRow, limit).map(LedgerRow.entry)
