"""A notification as its reader and staff see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notify.domain.letters import Category, Channel
from notify.domain.outcomes import Status


@dataclass(frozen=True)
class Change:
    """What it became, and when."""

    status: Status
    at: datetime
    reason: str | None = None


@dataclass(frozen=True)
class Notification:
    """Something told once by one channel. `instead` is the channel that told it in this one's place,
    `instead_of` the notification that this one stands in for."""

    notification_id: str
    channel: Channel
    template: str
    category: Category
    language: str | None
    to: str
    order_id: str | None
    status: Status
    reason: str | None
    instead: str | None
    instead_of: str | None
    at: datetime
    updated_at: datetime
    history: Sequence[Change]
