"""The service's queue: events that cause notifications, and commands that the service sends to itself."""

from collections.abc import Mapping
from typing import Any

from notify import own_queue
from notify.service import confirmations, contacts, notifications, staff_delivery
from notify.service.notifications import NOTIFICATIONS
from shared.contracts.events.orders import OrderInvoiced, OrderPaid
from shared.contracts.events.users import UserRegistered
from shared.messaging.consumers import Consumers
from shared.runtime import observability


class QueueConsumers(Consumers):
    """The handlers of the events, and of the commands that the service sends to itself."""

    def handle_message(self, message: Mapping[str, Any]) -> None:
        command = message.get("command")
        if command is None:
            super().handle_message(message)
            return
        observability.begin(message.get("requestid") or message["id"])
        if command == own_queue.CONFIRM:
            confirmations.confirm(OrderPaid.model_validate(message["event"]))
        else:
            staff_delivery.send(message["id"])


consumers: Consumers = QueueConsumers()
consumers.on(*NOTIFICATIONS)(notifications.send)
consumers.on(OrderPaid)(confirmations.await_invoice)
consumers.on(OrderInvoiced)(confirmations.send_invoice)


@consumers.on(UserRegistered)
def user_registered(event: UserRegistered) -> None:
    contacts.save(event)
    notifications.send(event)
