"""Disputes: a shopper's bank asks for money back, takes it for now, and gives it back or keeps it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.events.payments import EVIDENCE_NOTICE

# https://docs.stripe.com/api/disputes/object#dispute_object-status
OPEN = frozenset({"needs_response", "under_review"})
LOST = "lost"
WAITS_FOR_US = frozenset({"needs_response", "warning_needs_response"})


@dataclass(frozen=True)
class Dispute:
    """Stripe's Dispute as it is now; amounts in minor units. `withheld` is what the bank has of us now; a
    mere inquiry (`status` `warning_…`) withholds nothing."""

    dispute_id: str
    status: str
    amount: int
    reason: str
    withheld: int = 0
    evidence_due: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is a chargeback that nobody has decided yet."""
        return self.status in OPEN

    @property
    def is_lost(self) -> bool:
        return self.status == LOST

    @property
    def matter(self) -> str:
        """What is asked of us: an inquiry that becomes a chargeback keeps its id and is another matter."""
        return f"{self.dispute_id}.inquiry" if self.status.startswith("warning_") else self.dispute_id

    @property
    def remind_at(self) -> datetime | None:
        """When it is told of again, should nobody have answered the bank by then."""
        if self.evidence_due is None or self.status not in WAITS_FOR_US:
            return None
        return self.evidence_due - EVIDENCE_NOTICE


def held_back(disputes: Sequence[Dispute]) -> int:
    """What is withheld and may come back, in minor units."""
    return sum(each.withheld for each in disputes if not each.is_lost)


def lost(disputes: Sequence[Dispute]) -> int:
    """What the banks kept, in minor units."""
    return sum(each.withheld for each in disputes if each.is_lost)


def reminder_at(disputes: Sequence[Dispute], reminded: Collection[str]) -> datetime | None:
    """When the next reminder is due of those whose matter is not in `reminded`; None where none will be."""
    moments = [each.remind_at for each in disputes if each.matter not in reminded]
    return min((moment for moment in moments if moment), default=None)


def to_remind(disputes: Sequence[Dispute], reminded: Collection[str], now: datetime) -> tuple[str, ...]:
    """The matters to be told of again now."""
    return tuple(
        each.matter
        for each in disputes
        if each.matter not in reminded and each.remind_at and each.remind_at <= now
    )
