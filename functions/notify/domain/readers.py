"""Who reads: what is known of them, what they chose, and whether something may be sent to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from notify.domain.letters import Category
from notify.domain.outcomes import Cause, Outcome, Status


@dataclass(frozen=True)
class Choice:
    """What somebody wants to hear of by one channel."""

    orders: bool
    marketing: bool


@dataclass(frozen=True)
class Preferences:
    """`language` is None for the shop's; `version` 0 for one who never chose. `offers_since`: when
    marketing by mail was switched on, None while it is off or where that was not kept."""

    email: Choice = Choice(orders=True, marketing=False)
    sms: Choice = Choice(orders=False, marketing=False)
    language: str | None = None
    version: int = 0
    offers_since: datetime | None = None

    def changed(self, email: Choice, sms: Choice, language: str | None, now: datetime) -> "Preferences":
        """The next version."""
        since = self.offers_since if self.email.marketing else now
        return Preferences(email, sms, language, self.version + 1, since if email.marketing else None)


class Block(StrEnum):
    """Why nothing more goes to an address: it is none, its reader complained, or wants no marketing."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    MARKETING = "marketing"


@dataclass(frozen=True)
class Reader:
    """`phone` is E.164, None where there is no usable one; `known` says whether an account is theirs;
    `blocks` since when each holds."""

    known: bool = False
    phone: str | None = None
    preferences: Preferences = field(default_factory=Preferences)
    blocks: Mapping[Block, datetime] = field(default_factory=dict)


def objection(category: Category, reader: Reader) -> Outcome | None:
    """Why a mail of that category does not go to that reader; None where it does.

    An address that bounced is none, so nothing goes there; who complained still hears of the account's
    security, and staff of their work. An address without an account gets marketing until it
    unsubscribes: staff vouch for its consent.
    """
    if Block.BOUNCE in reader.blocks:
        return _suppressed(Cause.BOUNCE, "mail to this address came back before")
    if Block.COMPLAINT in reader.blocks and category not in {Category.SECURITY, Category.INTERNAL}:
        return _suppressed(Cause.COMPLAINT, "the reader complained of mail before")
    if category is Category.ORDERS and not reader.preferences.email.orders:
        return _suppressed(Cause.PREFERENCE, "the reader wants no mail about orders")
    if category is Category.MARKETING and not _wants_offers(reader):
        return _suppressed(Cause.PREFERENCE, "the reader wants no marketing")
    return None


def number_for(category: Category, reader: Reader) -> str | None:
    """The number to tell a letter of that category by text message; None where that is not wanted.

    A number is nowhere verified, so it gets nothing its account did not ask for, matters of security too.
    """
    chosen = {
        Category.ORDERS: reader.preferences.sms.orders,
        Category.SECURITY: reader.preferences.sms.orders,
        Category.MARKETING: reader.preferences.sms.marketing,
    }
    return reader.phone if chosen.get(category, False) else None


def _wants_offers(reader: Reader) -> bool:
    """An account asked for them, and its address did not unsubscribe since; others did not unsubscribe."""
    ended_at, chosen = reader.blocks.get(Block.MARKETING), reader.preferences
    if not reader.known:
        return ended_at is None
    is_ended = ended_at is not None and (chosen.offers_since is None or chosen.offers_since <= ended_at)
    return chosen.email.marketing and not is_ended


def _suppressed(cause: Cause, reason: str) -> Outcome:
    return Outcome(Status.SUPPRESSED, cause, reason)
