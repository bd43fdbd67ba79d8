"""Stripe's events as they came: `PAYMENTS_INBOX_TABLE`."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist, PutError, UpdateError
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.transactions import TransactWrite

from payments.domain.inbox import EventStatus, StripeEvent, Walk
from payments.settings import settings
from shared.dynamodb.rows import Row, require_condition_failure, warm
from shared.runtime import clock
from shared.runtime.aws import REGION

KEPT = timedelta(days=90)
WALK = "catch-up"
MAX_ID = 255  # Stripe's longest; DynamoDB calls a key of more than 2,048 bytes an error, not absent


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
    payment_id = UnicodeAttribute(null=True)
    payload = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    received_at = UTCDateTimeAttribute()
    attempts = NumberAttribute(default=0)
    reason = UnicodeAttribute(null=True)
    expires_at = NumberAttribute()


class WalkRow(Row):
    """pk `catch-up`: how far Stripe's own list of events was read."""

    class Meta:
        table_name = settings().payments_inbox_table
        region = REGION

    pk = UnicodeAttribute(hash_key=True)
    since = NumberAttribute()
    newest = NumberAttribute(null=True)
    after = UnicodeAttribute(null=True)
    version = NumberAttribute()


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
        payment_id=event.payment_id,
        payload=payload,
        status=event.status.value,
        received_at=event.received_at,
        expires_at=clock.epoch(event.received_at + KEPT),
    )
    try:
        row.save(InboxRow.pk.does_not_exist())
    except PutError as error:
        require_condition_failure(error)
        return False
    return True


def event(event_id: str) -> StripeEvent | None:
    """One event, read consistently."""
    if event_id == WALK or len(event_id) > MAX_ID:
        return None
    try:
        return _event(InboxRow.get(event_id, consistent_read=True))
    except DoesNotExist:
        return None


def arrived(image: Mapping[str, Any]) -> StripeEvent | None:
    """The event in a stream's image; None where the row is another kind."""
    if image["pk"]["S"] == WALK:
        return None
    return _event(InboxRow.from_raw_data(dict(image)))


def kept_of(event_ids: Collection[str]) -> set[str]:
    """Which of these events, 100 at most, are kept already; it may overlook the newest: 1 BatchGetItem."""
    return {row.pk for row in InboxRow.batch_get(event_ids, attributes_to_get=["pk"])}


def walk() -> Walk | None:
    """How far Stripe's list was read, read consistently; None before the first time."""
    try:
        row = WalkRow.get(WALK, consistent_read=True)
    except DoesNotExist:
        return None
    newest = int(row.newest) if row.newest else None
    return Walk(int(row.since), newest, row.after, int(row.version))


def walk_on(walk: Walk) -> bool:
    """Write how far it was read; False where another did so since the version that `walk` carries."""
    row = WalkRow(WALK, since=walk.since, newest=walk.newest, after=walk.after, version=walk.version + 1)
    try:
        row.save(WalkRow.version == walk.version if walk.version else WalkRow.pk.does_not_exist())
    except PutError as error:
        require_condition_failure(error)
        return False
    return True


def waiting(before: datetime, limit: int) -> list[StripeEvent]:
    """Events kept before then of which nothing became yet, oldest first: 1 Query."""
    return [
        _event(row)
        for row in InboxRow.by_status.query(
            EventStatus.RECEIVED.value, InboxRow.received_at < before, limit=limit
        )
    ]


def mark(event_id: str, status: EventStatus, reason: str | None = None) -> None:
    """Write what became of an event; nothing where it was forgotten meanwhile.

    What was applied does not fail: two tries at once may end in either order.
    """
    condition = InboxRow.pk.exists()
    if status is EventStatus.FAILED:
        condition &= InboxRow.status != EventStatus.APPLIED.value
    try:
        InboxRow(event_id).update(_outcome(status, reason), condition=condition)
    except UpdateError as error:
        require_condition_failure(error)


def mark_within(writes: TransactWrite, event_id: str, status: EventStatus) -> None:
    """Write what became of an event in its effect's own transaction."""
    writes.update(InboxRow(event_id), _outcome(status, None), condition=InboxRow.pk.exists())


def page(
    status: EventStatus, limit: int, start: dict[str, Any] | None
) -> tuple[list[StripeEvent], dict[str, Any] | None]:
    """Events of a status, newest first, and the key to go on after: 1 Query."""
    found = InboxRow.by_status.query(
        status.value, limit=limit, page_size=limit + 1, last_evaluated_key=start, scan_index_forward=False
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
        payment_id=row.payment_id,
        status=EventStatus(row.status),
        received_at=row.received_at,
        attempts=int(row.attempts or 0),
        reason=row.reason,
        request_id=row.request_id,
    )
