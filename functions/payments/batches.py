"""Batches of messages whose use cases call Stripe: its rate limit delays a message and uses up no try."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from payments.stripe_gateway import StripeUnavailable
from shared.messaging import consumers
from shared.runtime import observability
from shared.runtime.aws import client
from shared.runtime.observability import log

# Stripe's limits are per second. The range spreads messages that were rejected together.
MIN_DELAY = 10  # seconds
MAX_DELAY = 60  # seconds; how late an effect may be after the limit has ended


def handle_batch(
    event: Mapping[str, Any], queue_url: str, handle: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    """Pass each record of the queue's batch to `handle`; return the records for which it raised.

    If Stripe rejected a call because of its rate limit, a copy of the message is sent to the queue with a
    delay and the message counts as handled, because SQS counts every receive as a try. If the process dies
    after the copy was sent, both are handled, as any message may be handled twice.
    """

    def handle_or_postpone(record: Mapping[str, Any]) -> None:
        try:
            handle(record)
        except StripeUnavailable as error:
            if not error.rate_limited:
                raise
            _postpone(record, queue_url)

    return consumers.handle_batch(event, handle_or_postpone)


def _postpone(record: Mapping[str, Any], queue_url: str) -> None:
    delay = random.randint(MIN_DELAY, MAX_DELAY)  # noqa: S311  not a secret
    client("sqs").send_message(QueueUrl=queue_url, MessageBody=record["body"], DelaySeconds=delay)
    log.warning("message postponed", extra={"message_id": record["messageId"], "seconds": delay})
    observability.count("MessagesPostponed")
