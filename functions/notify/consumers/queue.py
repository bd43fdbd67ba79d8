"""The service's queue: events that cause notifications, and queued messages of staff."""

from collections.abc import Mapping
from typing import Any

from notify import own_queue
from notify.service import contacts, notifications, staff_delivery
from notify.service.notifications import NOTIFICATIONS
from shared.contracts.events.users import UserRegistered
from shared.messaging.consumers import Consumers
from shared.runtime import observability


class QueueConsumers(Consumers):
    """The handlers of the events, and of the command that the service sends to itself."""

    def handle_message(self, message: Mapping[str, Any]) -> None:
        if message.get("command") != own_queue.SEND:
            super().handle_message(message)
            return
        observability.begin(message.get("requestid") or message["id"])
        staff_delivery.send(message["id"])


consumers: Consumers = QueueConsumers()
consumers.on(*NOTIFICATIONS)(notifications.send)


@consumers.on(UserRegistered)
def user_registered(event: UserRegistered) -> None:
    contacts.save(event)
    notifications.send(event)
