"""The events that follow from changes of the payments table."""

from collections.abc import Iterator

from payments.domain import domain_events
from payments.domain.reconciliation.event_data import unexplained_by_kind
from payments.tables import payments, reconciliations
from shared.contracts.events.envelope import Event
from shared.contracts.events.payments import PaymentsUnreconciled, ReconciliationData
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
