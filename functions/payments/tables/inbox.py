"""The Stripe inbox, `PAYMENTS_INBOX_TABLE`: stored events, and the position in Stripe's list of events."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist, PutError, UpdateError
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.transactions import TransactWrite

from payments.domain.inbox import RATE_LIMITED, EventStatus, ListPosition, StripeEvent
from payments.settings import settings
from shared.dynamodb.pages import Found, read_page
from shared.dynamodb.rows import Row, require_condition_failure, warm
from shared.runtime import clock
from shared.runtime.aws import REGION

RETENTION = timedelta(days=90)  # three times as long as Stripe lists an event: nothing is applied again
POSITION = "catch-up"
MAX_ID = 255  # characters of Stripe's ids; DynamoDB rejects a key of more than 2,048 bytes


class ByStatus(GlobalSecondaryIndex["InboxRow"]):  # type: ignore[no-untyped-call]
    """Events of one status by their arrival; a sparse index: an event enters it with its outcome, or when it
    is late, so that most events are written to it once."""

    class Meta:
        index_name = "by-status"
        projection = IncludeProjection(
            ["status", "type", "created", "object_id", "intent_id", "attempts", "reason", "request_id"]
        )

    listed = UnicodeAttribute(hash_key=True)
    received_at = UTCDateTimeAttribute(range_key=True)


class InboxRow(Row):
    """pk is Stripe's event id, so that an event is stored once. `listed` is the status in the index.

    The event's JSON is not stored: applying an event does not need it, Stripe shows it for 30 days, and it
    would multiply the cost of each write.
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
    payment_id = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    listed = UnicodeAttribute(null=True)
    received_at = UTCDateTimeAttribute()
    attempts = NumberAttribute(default=0)
    reason = UnicodeAttribute(null=True)
    expires_at = NumberAttribute()


class ListPositionRow(Row):
    """pk `catch-up`: how far Stripe's list of events was read."""

    class Meta:
        table_name = settings().payments_inbox_table
        region = REGION

    pk = UnicodeAttribute(hash_key=True)
    since = NumberAttribute()
    newest = NumberAttribute(null=True)
    after = UnicodeAttribute(null=True)
    version = NumberAttribute()


def prepare() -> None:
    """Create the client during init instead of in the first request."""
    warm(InboxRow)


def store(event: StripeEvent, *, late: bool = False) -> bool:
    """Store an event with one conditional PutItem; return False if it is stored already. A `late` event is
    in the index at once, so that it is queued again until it is applied."""
    row = InboxRow(
        event.event_id,
        type=event.type,
        created=event.created,
        object_id=event.object_id,
        intent_id=event.intent_id,
        payment_id=event.payment_id,
        status=event.status.value,
        listed=event.status.value if late else None,
        received_at=event.received_at,
        expires_at=clock.epoch(event.received_at + RETENTION),
    )
    try:
        row.save(InboxRow.pk.does_not_exist())
    except PutError as error:
        require_condition_failure(error)
        return False
    return True


def event(event_id: str) -> StripeEvent | None:
    """Return one event, read consistently."""
    if event_id == POSITION or len(event_id) > MAX_ID:
        return None
    try:
        return _event(InboxRow.get(event_id, consistent_read=True))
    except DoesNotExist:
        return None


def stored(event_ids: Collection[str]) -> dict[str, datetime | None]:
    """Return those of up to 100 events that are stored: 1 BatchGetItem, eventually consistent. The value is
    the time of arrival if the event is neither applied nor in the index."""
    names = ["pk", "status", "listed", "received_at"]
    rows = InboxRow.batch_get(event_ids, attributes_to_get=names) if event_ids else ()
    return {row.pk: row.received_at if _is_unlisted(row) else None for row in rows}


def list_position() -> ListPosition | None:
    """Return how far Stripe's list was read, read consistently; None before the first reading."""
    try:
        row = ListPositionRow.get(POSITION, consistent_read=True)
    except DoesNotExist:
        return None
    newest = int(row.newest) if row.newest else None
    return ListPosition(int(row.since), newest, row.after, int(row.version))


def save_position(position: ListPosition) -> bool:
    """Write how far the list was read; return False if the version in `position` is outdated."""
    version = position.version
    row = ListPositionRow(
        POSITION, since=position.since, newest=position.newest, after=position.after, version=version + 1
    )
    try:
        row.save(ListPositionRow.version == version if version else ListPositionRow.pk.does_not_exist())
    except PutError as error:
        require_condition_failure(error)
        return False
    return True


def late(before: datetime, limit: int) -> list[StripeEvent]:
    """Return late events that arrived before then and are not applied, oldest first: 1 Query. Events that
    wait for Stripe's rate limit are left out, because they are in the queue."""
    waits = InboxRow.reason == RATE_LIMITED
    found = InboxRow.by_status.query(
        EventStatus.RECEIVED.value, InboxRow.received_at < before, ~waits, limit=limit
    )
    return [_event(row) for row in found]


def mark_late(event_id: str) -> None:
    """Add an event to the index, unless it was applied meanwhile or is there."""
    received = EventStatus.RECEIVED.value
    condition = (InboxRow.status == received) & InboxRow.listed.does_not_exist()
    try:
        InboxRow(event_id).update([InboxRow.listed.set(received)], condition=condition)
    except UpdateError as error:
        require_condition_failure(error)


def mark_postponed(event: StripeEvent) -> None:
    """Write that an event waits for Stripe's rate limit, unless that is written or it was applied
    meanwhile."""
    if event.reason == RATE_LIMITED:
        return
    received, failed = EventStatus.RECEIVED.value, EventStatus.FAILED.value
    try:
        InboxRow(event.event_id).update(
            _outcome(EventStatus.RECEIVED, RATE_LIMITED), condition=InboxRow.status.is_in(received, failed)
        )
    except UpdateError as error:
        require_condition_failure(error)


def mark(event_id: str, status: EventStatus, reason: str | None = None) -> None:
    """Write an event's status, unless the event was deleted since.

    An applied event does not become failed: two concurrent deliveries may end in either order.
    """
    condition = InboxRow.pk.exists()
    if status is EventStatus.FAILED:
        condition &= InboxRow.status != EventStatus.APPLIED.value
    try:
        InboxRow(event_id).update(_outcome(status, reason), condition=condition)
    except UpdateError as error:
        require_condition_failure(error)


def mark_within(writes: TransactWrite, event_id: str, status: EventStatus) -> None:
    """Write an event's status in the transaction of its effect."""
    writes.update(InboxRow(event_id), _outcome(status, None), condition=InboxRow.pk.exists())


def page(status: EventStatus, limit: int, start: dict[str, Any] | None) -> Found[StripeEvent]:
    """Return a page of the events of a status, newest first: 1 Query."""
    query = InboxRow.by_status.query(
        status.value, page_size=limit + 1, last_evaluated_key=start, scan_index_forward=False
    )
    return read_page(query, InboxRow, limit).map(_event)


def _is_unlisted(row: InboxRow) -> bool:
    return row.status == EventStatus.RECEIVED.value and row.listed is None


def _outcome(status: EventStatus, reason: str | None) -> list[Any]:
    attempts = [] if status is EventStatus.RECEIVED else [InboxRow.attempts.set(InboxRow.attempts + 1)]
    reason_change = InboxRow.reason.set(reason) if reason else InboxRow.reason.remove()
    return [InboxRow.status.set(status.value), InboxRow.listed.set(status.value), reason_change, *attempts]


def _event(row: InboxRow) -> StripeEvent:
    return StripeEvent(
        event_id=row.pk,
        type=row.type,
        created=int(row.created),
        object_id=row.object_id,
        intent_id=row.intent_id,
        payment_id=row.payment_id,
        status=EventStatus(row.status),
        received_at=row.received_at,
        attempts=int(row.attempts or 0),
        reason=row.reason,
        request_id=row.request_id,
    )
