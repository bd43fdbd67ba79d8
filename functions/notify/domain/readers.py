"""Who reads: what is known of them, what they chose, and whether something may be sent to them."""

from dataclasses import dataclass, field
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
    """`language` is None for the shop's; `version` 0 for one who never chose."""

    email: Choice = Choice(orders=True, marketing=False)
    sms: Choice = Choice(orders=False, marketing=False)
    language: str | None = None
    version: int = 0


class Block(StrEnum):
    """Why nothing more goes to an address: it is none, its reader complained, or wants no marketing."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    MARKETING = "marketing"


@dataclass(frozen=True)
class Reader:
    """`phone` is E.164, None where there is no usable one; `known` says whether an account is theirs."""

    known: bool = False
    phone: str | None = None
    preferences: Preferences = field(default_factory=Preferences)
    blocks: frozenset[Block] = frozenset()


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
    choice = reader.preferences.email
    if category is Category.ORDERS and not choice.orders:
        return _suppressed(Cause.PREFERENCE, "the reader wants no mail about orders")
    unwanted = not choice.marketing if reader.known else Block.MARKETING in reader.blocks
    if category is Category.MARKETING and unwanted:
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


def _suppressed(cause: Cause, reason: str) -> Outcome:
    return Outcome(Status.SUPPRESSED, cause, reason)
