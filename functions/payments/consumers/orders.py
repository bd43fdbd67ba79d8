"""The events of orders that payments subscribes to, and the use case of each."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from payments import batches
from payments.service import captures, refunds, syncing
from payments.settings import settings
from shared.contracts.events.envelope import Event
from shared.contracts.events.orders import OrderCancelled, OrderExpired, OrderRefundDue, OrderShipped
from shared.messaging.consumers import Consumers
from shared.runtime import clock

USE_CASES: Mapping[type[Event], Callable[[Any, datetime], None]] = {
    OrderCancelled: syncing.close_order,
    OrderExpired: syncing.close_order,
    OrderRefundDue: refunds.refund_due,
    OrderShipped: captures.capture_shipped,
}


class OrdersConsumers(Consumers):
    """Consumers whose messages wait for Stripe's rate limit."""

    def handle(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        return batches.handle_batch(event, settings().payments_queue_url, self.handle_record)


consumers = OrdersConsumers()


@consumers.on(*USE_CASES)
def run_use_case(event: Event) -> None:
    USE_CASES[type(event)](event.data, clock.now())
