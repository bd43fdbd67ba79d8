"""Events in: paid orders, whose invoices are numbered a whole batch at a time and kept one by one."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from orders.domain.orders import Order
from orders.invoicing import commands, service
from orders.service import invoices
from shared.contracts.events import OrderPaid
from shared.errors import Unavailable
from shared.messaging.consumers import Consumers
from shared.runtime import observability
from shared.runtime.observability import log


class Door(Consumers):
    """The queue's handler, which is also asked for invoices.

    All numbers of a year come from one row, one transaction after another: what makes many orders a second
    possible is that a batch needs only few.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbered: Mapping[str, Order] = {}

    def handle(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        if "command" in event:
            return commands.handle(event, context)
        observability.begin(context.aws_request_id)
        try:
            self.numbered = invoices.issue([*_order_ids(event["Records"])])
        except Unavailable:
            log.warning("no numbers were to be had; the batch comes again")
            observability.end()
            return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in event["Records"]]}
        except Exception:
            # One order that cannot be numbered must not hold up the others: each is tried alone.
            log.exception("the batch was not numbered at once")
            self.numbered = {}
        return super().handle(event, context)


consumers = Door()


@consumers.on(OrderPaid)
def order_paid(event: OrderPaid) -> None:
    order = consumers.numbered.get(event.data.order_id)
    if order:
        service.keep(order)
    else:
        service.keep_of(event.data.order_id)


def _order_ids(records: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """The orders in a batch; a message that cannot be read is reported when its turn comes."""
    for record in records:
        try:
            yield str(json.loads(record["body"])["data"]["order_id"])
        except (ValueError, LookupError, TypeError):
            continue


handle = consumers.handle
