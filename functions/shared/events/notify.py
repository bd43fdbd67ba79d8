"""What notify says."""

from typing import Literal

from shared.events.envelope import Event, Fact


class NotificationFacts(Fact):
    """A notification that did not reach its reader, of an order or a user.

    `status` is `bounced`, `complained`, `suppressed` or `failed`; `instead` the channel that told it in its
    place.
    """

    notification_id: str
    template: str
    channel: str
    status: str
    reason: str
    order_id: str | None = None
    user_id: str | None = None
    instead: str | None = None


class NotificationBounced(Event):
    type: Literal["notification.bounced"] = "notification.bounced"
    data: NotificationFacts
