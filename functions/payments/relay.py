"""The tables' streams: payments' changes become news, Stripe's new events go to the queue for applying."""

from collections.abc import Iterator, Mapping
from typing import Any

from payments.domain import telling
from payments.domain.inbox import EventStatus
from payments.domain.reconciling.runs import summary
from payments.service import deliveries
from payments.tables import inbox, payments, reconciliations
from shared.contracts.events import Event, PaymentsUnreconciled, ReconciliationData
from shared.messaging.stream_relay import Image


def derive_events(old: Image | None, new: Image | None) -> Iterator[Event]:
    """What a change of a row says."""
    yield from _unreconciled(old, new)
    payment = payments.payment_of(new) if new else None
    if new is None or payment is None:
        return
    before = payments.payment_of(old) if old else None
    for kind, subject, data in telling.told(before, payment):
        yield kind.of(
            data,
            subject=subject,
            version=payment.version,
            at=payment.updated_at,
            request_id=new.get("request_id", {}).get("S"),
        )


def _unreconciled(old: Image | None, new: Image | None) -> Iterator[Event]:
    """A comparison with Stripe that ended with what nobody can explain."""
    run, before = reconciliations.run_of(new), reconciliations.run_of(old)
    if new is None or run is None or not run.is_over or (before and before.is_over):
        return
    if unexplained := run.tally.unexplained:
        yield PaymentsUnreconciled.of(
            ReconciliationData(
                reconciliation_id=run.reconciliation_id, unexplained=unexplained, summary=summary(run)
            ),
            subject=run.reconciliation_id,
            version=run.version,
            at=run.updated_at,
            request_id=new.get("request_id", {}).get("S"),
        )


def forward(event: Mapping[str, Any], context: object) -> None:
    """The stream handler of the inbox. Raises NotQueued, so that the same events come again."""
    images = (
        record["dynamodb"].get("NewImage") for record in event["Records"] if record["eventName"] == "INSERT"
    )
    arrived = [inbox.arrived(image) for image in images if image]
    deliveries.send([each for each in arrived if each and each.status is EventStatus.RECEIVED])
