"""The streams of the tables: payments' events are published, new Stripe events are queued."""

from collections.abc import Iterator, Mapping
from typing import Any

from payments.domain import domain_events
from payments.domain.inbox import EventStatus
from payments.domain.reconciliation.runs import unexplained_by_kind
from payments.service import inbox_queue
from payments.tables import inbox, payments, reconciliations
from shared.contracts.events import Event, PaymentsUnreconciled, ReconciliationData
from shared.messaging.stream_relay import Image


def derive_events(old: Image | None, new: Image | None) -> Iterator[Event]:
    """Yield the events of a row's change."""
    yield from _unreconciled(old, new)
    payment = payments.payment_of(new) if new else None
    if new is None or payment is None:
        return
    before = payments.payment_of(old) if old else None
    for pending in domain_events.derive(before, payment):
        yield pending.event_class.of(
            pending.data,
            subject=pending.subject,
            version=payment.version,
            at=payment.updated_at,
            request_id=new.get("request_id", {}).get("S"),
        )


def _unreconciled(old: Image | None, new: Image | None) -> Iterator[Event]:
    """Yield the event of a reconciliation that ended with unexplained differences."""
    run, before = reconciliations.run_of(new), reconciliations.run_of(old)
    if new is None or run is None or not run.is_over or (before and before.is_over):
        return
    if run.tally.unexplained:
        yield PaymentsUnreconciled.of(
            ReconciliationData(
                reconciliation_id=run.reconciliation_id,
                unexplained=run.tally.unexplained,
                differences=unexplained_by_kind(run),
            ),
            subject=run.reconciliation_id,
            version=run.version,
            at=run.updated_at,
            request_id=new.get("request_id", {}).get("S"),
        )


def forward(event: Mapping[str, Any], context: object) -> None:
    """Queue the inserted Stripe events. Raises NotQueued, so that the stream retries."""
    images = (
        record["dynamodb"].get("NewImage") for record in event["Records"] if record["eventName"] == "INSERT"
    )
    events = [inbox.event_of(image) for image in images if image]
    inbox_queue.send([each for each in events if each and each.status is EventStatus.RECEIVED])
