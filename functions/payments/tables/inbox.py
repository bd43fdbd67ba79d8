"""Stripe's events as they came: `PAYMENTS_INBOX_TABLE`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist, PutError, UpdateError
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.transactions import TransactWrite

from payments.domain import EventStatus, StripeEvent
from payments.settings import settings
from shared import clock
from shared.aws import REGION
from shared.rows import Row, refused_by_condition, warm

KEPT = timedelta(days=90)


class ByStatus(GlobalSecondaryIndex["InboxRow"]):  # type: ignore[no-untyped-call]
    """Events of one status by the time they came; without their payload."""

    class Meta:
        index_name = "by-status"
        projection = IncludeProjection(
            ["type", "created", "object_id", "intent_id", "attempts", "reason", "request_id"]
        )

    status = UnicodeAttribute(hash_key=True)
    received_at = UTCDateTimeAttribute(range_key=True)


class InboxRow(Row):
    """pk is Stripe's event id, so that an event is kept once however often it comes.

    `payload` is the event's JSON as Stripe sent it; absent where it is too large for a row (it is never
    needed: what an event means is asked of Stripe when it is applied).
    """

    class Meta:
        table_name = settings().payments_inbox_table
        region = REGION

    by_status = ByStatus()
    pk = UnicodeAttribute(hash_key=True)
    type = UnicodeAttribute()
    created = NumberAttribute()
    object_id = UnicodeAttribute()
    intent_id = UnicodeAttribute(null=True)
    payload = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    received_at = UTCDateTimeAttribute()
    attempts = NumberAttribute(default=0)
    reason = UnicodeAttribute(null=True)
    expires_at = NumberAttribute()


def prepare() -> None:
    """Make the client during init, not in the first request."""
    warm(InboxRow)


def keep(event: StripeEvent, payload: str | None) -> bool:
    """Keep an event; False where it is here already. One conditional PutItem."""
    row = InboxRow(
        event.event_id,
        type=event.type,
        created=event.created,
        object_id=event.object_id,
        intent_id=event.intent_id,
        payload=payload,
        status=event.status.value,
        received_at=event.received_at,
        expires_at=clock.epoch(event.received_at + KEPT),
    )
    try:
        row.save(InboxRow.pk.does_not_exist())
    except PutError as error:
        refused_by_condition(error)
        return False
    return True


def event(event_id: str) -> StripeEvent | None:
    """One event, read consistently."""
    try:
        return _event(InboxRow.get(event_id, consistent_read=True))
    except DoesNotExist:
        return None


def arrived(image: Mapping[str, Any]) -> StripeEvent:
    """The event in a stream's image."""
    return _event(InboxRow.from_raw_data(dict(image)))


def mark(event_id: str, status: EventStatus, reason: str | None = None) -> None:
    """Write what became of an event; nothing where it was forgotten meanwhile."""
    try:
        InboxRow(event_id).update(_outcome(status, reason), condition=InboxRow.pk.exists())
    except UpdateError as error:
        refused_by_condition(error)


def mark_within(writes: TransactWrite, event_id: str, status: EventStatus) -> None:
    """Write what became of an event in its effect's own transaction."""
    writes.update(InboxRow(event_id), _outcome(status, None), condition=InboxRow.pk.exists())


def page(
    status: EventStatus, limit: int, start: dict[str, Any] | None
) -> tuple[list[StripeEvent], dict[str, Any] | None]:
    """Events of a status, newest first, and the key to go on after: 1 Query."""
    found = InboxRow.by_status.query(
        status.value, limit=limit, last_evaluated_key=start, scan_index_forward=False
    )
    return [_event(row) for row in found], found.last_evaluated_key


def _outcome(status: EventStatus, reason: str | None) -> list[Any]:
    tries = [] if status is EventStatus.RECEIVED else [InboxRow.attempts.set(InboxRow.attempts + 1)]
    why = InboxRow.reason.set(reason) if reason else InboxRow.reason.remove()
    return [InboxRow.status.set(status.value), why, *tries]


def _event(row: InboxRow) -> StripeEvent:
    return StripeEvent(
        event_id=row.pk,
        type=row.type,
        created=int(row.created),
        object_id=row.object_id,
        intent_id=row.intent_id,
        status=EventStatus(row.status),
        received_at=row.received_at,
        attempts=int(row.attempts or 0),
        reason=row.reason,
        request_id=row.request_id,
    )
