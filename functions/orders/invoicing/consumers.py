"""The queue consumer of invoicing: numbers the paid orders of a batch together, then stores each invoice."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orders.domain.orders import Order
from orders.invoicing import commands, service
from orders.service import invoices
from shared.contracts.events.orders import OrderPaid
from shared.errors import Unavailable
from shared.messaging.consumers import Consumers
from shared.runtime import observability
from shared.runtime.observability import log


class InvoiceConsumers(Consumers):
    """The handler of the queue, and of commands to the same function.

    All invoice numbers of a year come from one row, so a batch is numbered by few transactions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.invoiced: Mapping[str, Order] = {}

    def handle(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        if "command" in event:
            return commands.handle(event, context)
        observability.begin(context.aws_request_id)
        try:
            self.invoiced = invoices.issue(dict(_orders(event["Records"])))
        except Unavailable:
            log.warning("numbering postponed; the batch will be retried")
            observability.end()
            return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in event["Records"]]}
        except Exception:
            # One order that cannot be numbered must not block the others, so each is numbered alone.
            log.exception("batch numbering failed")
            self.invoiced = {}
        return super().handle(event, context)


consumers = InvoiceConsumers()


@consumers.on(OrderPaid)
def order_paid(event: OrderPaid) -> None:
    order_id = event.data.order_id
    service.store(consumers.invoiced.get(order_id) or service.invoiced_order(order_id))


def _orders(records: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the orders of a batch as (order id, owner); an unreadable message fails later, when it is
    handled."""
    for record in records:
        try:
            data = json.loads(record["body"])["data"]
            yield str(data["order_id"]), str(data["user_id"])
        except (ValueError, LookupError, TypeError):
            continue


handle = consumers.handle
