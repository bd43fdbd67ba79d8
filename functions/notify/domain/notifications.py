"""A notification as its recipient and staff see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notify.domain.messages import Category, Channel
from notify.domain.outcomes import Status


@dataclass(frozen=True)
class StatusChange:
    status: Status
    at: datetime
    reason: str | None = None


@dataclass(frozen=True)
class Notification:
    """A message on one channel. `instead` is the channel that was used instead of this one; `instead_of` is
    the notification that this one replaces."""

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
    history: Sequence[StatusChange]
