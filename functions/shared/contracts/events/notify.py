"""Events of notify."""

from typing import Literal

from shared.contracts.events.envelope import Event, EventData


class NotificationData(EventData):
    """A notification about an order or a user that did not reach its recipient.

    `status` is `bounced`, `complained`, `suppressed` or `failed`; `instead` is the channel that was used
    instead.
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
    data: NotificationData
