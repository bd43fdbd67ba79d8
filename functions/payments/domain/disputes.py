"""Disputes: chargebacks and inquiries of the shopper's bank."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from shared.contracts.evidence import EVIDENCE_NOTICE

# https://docs.stripe.com/api/disputes/object#dispute_object-status
OPEN = frozenset({"needs_response", "under_review"})
LOST = "lost"
NEEDS_RESPONSE = frozenset({"needs_response", "warning_needs_response"})


@dataclass(frozen=True)
class Dispute:
    """Stripe's Dispute; amounts in minor units.

    `withheld` is the amount that the bank withholds. An inquiry (status `warning_…`) withholds nothing.
    """

    dispute_id: str
    status: str
    amount: int
    reason: str
    withheld: int = 0
    evidence_due: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is an undecided chargeback."""
        return self.status in OPEN

    @property
    def is_lost(self) -> bool:
        return self.status == LOST

    @property
    def dedupe_key(self) -> str:
        """The key of its reminder. An inquiry that becomes a chargeback keeps its id and is reminded
        again."""
        return f"{self.dispute_id}.inquiry" if self.status.startswith("warning_") else self.dispute_id

    @property
    def remind_at(self) -> datetime | None:
        """When staff are reminded of the evidence; None if the dispute needs no response."""
        if self.evidence_due is None or self.status not in NEEDS_RESPONSE:
            return None
        return self.evidence_due - EVIDENCE_NOTICE


@dataclass(frozen=True)
class Disputes:
    """A payment's disputes; `reminded` are the dedupe keys of the reminders that were published."""

    items: tuple[Dispute, ...] = ()
    reminded: tuple[str, ...] = ()

    @property
    def any_open(self) -> bool:
        """Whether a chargeback is undecided."""
        return any(each.is_open for each in self.items)

    @property
    def any_lost(self) -> bool:
        return any(each.is_lost for each in self.items)

    @property
    def withheld(self) -> int:
        """The amount that banks withhold for now, in minor units."""
        return sum(each.withheld for each in self.items if not each.is_lost)

    @property
    def lost(self) -> int:
        """The amount that banks took for good, in minor units."""
        return sum(each.withheld for each in self.items if each.is_lost)

    @property
    def next_reminder_at(self) -> datetime | None:
        return min((moment for _, moment in self._reminders()), default=None)

    def due_reminders(self, now: datetime) -> tuple[str, ...]:
        """Return the dedupe keys of the reminders that are due."""
        return tuple(key for key, moment in self._reminders() if moment <= now)

    def with_reminders(self, keys: tuple[str, ...]) -> "Disputes":
        return replace(self, reminded=self.reminded + keys)

    def _reminders(self) -> Iterator[tuple[str, datetime]]:
        for each in self.items:
            if each.remind_at and each.dedupe_key not in self.reminded:
                yield each.dedupe_key, each.remind_at
