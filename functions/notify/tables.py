"""The rows of notify: one a letter, written before it is sent."""

from contextlib import suppress
from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.update import Action

from notify.domain.letters import LEASE, Letter, Status
from notify.settings import settings
from shared import clock
from shared.aws import REGION
from shared.rows import Row, refused_by_condition, warm


class BeingSent(Exception):
    """Another sender holds the letter: it is sending, or died; after the lease it is known which."""


class NotificationRow(Row):
    """A letter and what became of it. `leased_until` (epoch seconds) is there while it is `queued`."""

    class Meta:
        table_name = settings().notify_table
        region = REGION

    pk = UnicodeAttribute(hash_key=True)
    channel = UnicodeAttribute()
    template = UnicodeAttribute()
    to = UnicodeAttribute()
    user_id = UnicodeAttribute()
    status = UnicodeAttribute()
    at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()
    event_id = UnicodeAttribute()
    provider_id = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    leased_until = NumberAttribute(null=True)
    version = NumberAttribute()


def warm_up() -> None:
    """Make the client during init."""
    warm(NotificationRow)


def probe() -> None:
    """Raises when the table cannot be read."""
    with suppress(NotificationRow.DoesNotExist):
        NotificationRow.get("health")


def claim(letter: Letter, event_id: str, now: datetime) -> NotificationRow | None:
    """Take the letter for LEASE, to send it: its row, or None when it is settled. Raises BeingSent.

    One conditional put when the letter is new.
    """
    row = NotificationRow(
        pk=letter.id,
        channel="email",
        template=letter.template,
        to=letter.to,
        user_id=letter.user_id,
        status=Status.QUEUED,
        at=now,
        updated_at=now,
        event_id=event_id,
        leased_until=clock.epoch(now + LEASE),
        version=1,
    )
    try:
        row.save(NotificationRow.pk.does_not_exist())
        return row
    except PutError as error:
        refused_by_condition(error)
    found = NotificationRow.get(letter.id, consistent_read=True)
    if found.status != Status.QUEUED:
        return None
    return _take_over(found, now)


def _take_over(found: NotificationRow, now: datetime) -> NotificationRow:
    if found.leased_until > clock.epoch(now):
        raise BeingSent(found.pk)
    try:
        _change(found, NotificationRow.leased_until.set(clock.epoch(now + LEASE)))
    except UpdateError as error:
        refused_by_condition(error)
        raise BeingSent(found.pk) from error
    return found


def settle(
    row: NotificationRow, status: Status, now: datetime, *, provider_id: str | None, reason: str | None
) -> None:
    """Record what became of the letter. Refused (UpdateError) when another sender took it over."""
    outcome = [NotificationRow.provider_id.set(provider_id)] if provider_id else []
    outcome += [NotificationRow.reason.set(reason)] if reason else []
    _change(
        row,
        NotificationRow.status.set(status),
        NotificationRow.updated_at.set(now),
        NotificationRow.leased_until.remove(),
        *outcome,
    )


def release(row: NotificationRow) -> None:
    """Give the letter back unsent."""
    _change(row, NotificationRow.leased_until.set(0))


def is_told(ids: tuple[str, ...]) -> bool:
    """Whether one of these letters was claimed before: one read for all."""
    return bool(ids) and any(True for _ in NotificationRow.batch_get(ids, consistent_read=True))


def _change(row: NotificationRow, *actions: Action) -> None:
    """Update the row as it was read; UpdateError when somebody else changed it since."""
    row.update(
        [*actions, NotificationRow.version.set(NotificationRow.version + 1)],
        condition=NotificationRow.version == row.version,
    )
