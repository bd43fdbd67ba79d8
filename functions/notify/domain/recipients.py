"""Recipients: their preferences and blocks, and what may be sent to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from notify.domain.messages import Category
from notify.domain.outcomes import Cause, Outcome, Status


@dataclass(frozen=True)
class Choice:
    """The categories that an account wants by one channel."""

    orders: bool
    marketing: bool


@dataclass(frozen=True)
class Preferences:
    """The preferences of an account. `version` is 0 until they are saved; `language` None means the default.

    `marketing_since` is when marketing by email was turned on; None while it is off.
    """

    email: Choice = Choice(orders=True, marketing=False)
    sms: Choice = Choice(orders=False, marketing=False)
    language: str | None = None
    version: int = 0
    marketing_since: datetime | None = None

    def changed(self, email: Choice, sms: Choice, language: str | None, now: datetime) -> "Preferences":
        """Return the next version."""
        since = self.marketing_since if self.email.marketing else now
        return Preferences(email, sms, language, self.version + 1, since if email.marketing else None)


class Block(StrEnum):
    """The reason why an address is blocked: it bounced, its owner complained, or its owner unsubscribed."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    MARKETING = "marketing"


@dataclass(frozen=True)
class Recipient:
    """The recipient of a message. `phone` is in E.164; `blocks` maps each block to when it was set."""

    has_account: bool = False
    phone: str | None = None
    preferences: Preferences = field(default_factory=Preferences)
    blocks: Mapping[Block, datetime] = field(default_factory=dict)


def suppression_reason(category: Category, recipient: Recipient) -> Outcome | None:
    """Return why an email of that category is suppressed; None if it may be sent.

    Nothing is sent to an address that bounced. After a complaint, only messages about security, and internal
    ones to staff, are sent. An address without an account receives marketing until it unsubscribes, because
    staff confirm its consent.
    """
    if Block.BOUNCE in recipient.blocks:
        return _suppressed(Cause.BOUNCE, "an earlier email to this address bounced")
    if Block.COMPLAINT in recipient.blocks and category not in {Category.SECURITY, Category.INTERNAL}:
        return _suppressed(Cause.COMPLAINT, "the recipient complained about an earlier email")
    if category is Category.ORDERS and not recipient.preferences.email.orders:
        return _suppressed(Cause.PREFERENCE, "the recipient turned off emails about orders")
    if category is Category.MARKETING and not _accepts_marketing(recipient):
        return _suppressed(Cause.PREFERENCE, "the recipient does not want marketing")
    return None


def sms_number(category: Category, recipient: Recipient) -> str | None:
    """Return the number for text messages of that category; None if the recipient does not want them.

    Numbers are not verified, so they get only what the account opted in to, including security messages.
    """
    chosen = {
        Category.ORDERS: recipient.preferences.sms.orders,
        Category.SECURITY: recipient.preferences.sms.orders,
        Category.MARKETING: recipient.preferences.sms.marketing,
    }
    return recipient.phone if chosen.get(category, False) else None


def _accepts_marketing(recipient: Recipient) -> bool:
    """Return whether the account opted in after any unsubscription, or the address never unsubscribed."""
    unsubscribed_at, preferences = recipient.blocks.get(Block.MARKETING), recipient.preferences
    if not recipient.has_account:
        return unsubscribed_at is None
    since = preferences.marketing_since
    is_unsubscribed = unsubscribed_at is not None and (since is None or since <= unsubscribed_at)
    return preferences.email.marketing and not is_unsubscribed


def _suppressed(cause: Cause, reason: str) -> Outcome:
    return Outcome(Status.SUPPRESSED, cause, reason)
