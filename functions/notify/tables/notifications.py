"""Notifications as rows: each is taken before it is sent, and settled under the version that was taken."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from notify.domain.addresses import recipient_of
from notify.domain.letters import LEASE, Category, Channel, Letter, notification_id
from notify.domain.limits import Limit
from notify.domain.notifications import Change, Notification
from notify.domain.outcomes import Cause, Outcome, Status
from notify.tables.rows import CounterRow, NotificationRow
from shared.dynamodb.rows import ConditionFailed, require_condition_failure, transaction
from shared.runtime import clock

KEPT = timedelta(days=400)  # longer than any event can come again, and a year's complaints can be answered
HISTORY = 20  # a notification has five changes at most, but who knows what SES says
_MAX_REASON = 500


class BeingSent(Exception):
    """Another sender holds it: it is sending, or died; after the lease it is known which."""


class VersionConflict(Exception):
    """Somebody else changed it since it was read."""


class Exhausted(Exception):
    """Its recipient was told as often as may be."""


class Taken(Exception):
    """Its id is in use; `row` is the one that has it."""

    def __init__(self, row: NotificationRow) -> None:
        super().__init__(row.pk)
        self.row = row


@dataclass(frozen=True)
class Claim:
    """A notification, and whether it is this process that is to send it."""

    row: NotificationRow
    is_ours: bool


def fresh(
    letter: Letter,
    channel: Channel,
    to: str,
    event_id: str,
    now: datetime,
    **more: Any,
) -> NotificationRow:
    """The row of a letter by a channel, not written yet and held by this process."""
    return NotificationRow(
        **{
            "pk": notification_id(letter.template, letter.about, channel),
            "channel": channel.value,
            "template": letter.template.value,
            "about": letter.about,
            "matter": letter.matter or None,
            "category": letter.category.value,
            "to": to,
            "recipient": recipient_of(to),
            "user_id": letter.user_id or None,
            "order_id": letter.order_id,
            "status": Status.QUEUED.value,
            "at": now,
            "updated_at": now,
            "event_id": event_id,
            "history": [_entry(Status.QUEUED, now)],
            "leased_until": clock.epoch(now + LEASE),
            "outlasts": list(letter.outlasts) or None,
            "good_until": letter.good_until,
            "version": 1,
            "expires_at": clock.epoch(now + KEPT),
        }
        | more
    )


def claim(row: NotificationRow, now: datetime, limit: Limit | None = None) -> Claim:
    """Take the notification for LEASE, to send it. Raises BeingSent.

    One conditional put when it is new; with a limit a transaction of two writes. One beyond its limit is
    settled at once as suppressed; a dead sender's marketing as failed: it may have gone out.
    """
    try:
        put(row, limit)
        return Claim(row, is_ours=True)
    except Exhausted:
        try:
            _put_beyond_limit(row, now)
            return Claim(row, is_ours=False)
        except Taken as taken:
            return take(taken.row, now)
    except Taken as taken:
        return take(taken.row, now)


def take(found: NotificationRow, now: datetime) -> Claim:
    """Take a notification that was written before. Raises BeingSent."""
    if found.status != Status.QUEUED:
        return Claim(found, is_ours=False)
    leased_until = int(found.leased_until or 0)
    if leased_until > clock.epoch(now):
        raise BeingSent(found.pk)
    try:
        if leased_until and found.category == Category.MARKETING:
            died = Outcome(Status.FAILED, Cause.DIED, "its sender died; it may have gone out")
            settle(found, died, now)
            return Claim(found, is_ours=False)
        _change(found, NotificationRow.leased_until.set(clock.epoch(now + LEASE)))
    except VersionConflict as overtaken:
        raise BeingSent(found.pk) from overtaken
    return Claim(found, is_ours=True)


def put(row: NotificationRow, limit: Limit | None) -> None:
    """Write a new notification and count it. Raises Taken, Exhausted."""
    if limit is None:
        try:
            row.save(NotificationRow.pk.does_not_exist())
            return
        except PutError as error:
            require_condition_failure(error)
            raise Taken(_existing(row.pk)) from error
    try:
        with transaction(NotificationRow) as writes:
            writes.save(row, condition=NotificationRow.pk.does_not_exist())
            _count(writes, limit)
    except ConditionFailed as refused:
        if refused.failed_at(0):
            raise Taken(_existing(row.pk)) from refused
        raise Exhausted(row.pk) from refused


def find(notification_id: str) -> NotificationRow | None:
    try:
        return _existing(notification_id)
    except NotificationRow.DoesNotExist:
        return None


def settle(
    row: NotificationRow,
    outcome: Outcome,
    now: datetime,
    *,
    provider_id: str | None = None,
    language: str | None = None,
    text: str | None = None,
) -> None:
    """Record what became of it. Raises VersionConflict when somebody else changed it since it was taken."""
    _change(row, *_settling(row, outcome, now, provider_id=provider_id, language=language, text=text))


def settle_with(writes: TransactWrite, row: NotificationRow, outcome: Outcome, now: datetime) -> None:
    """Record in a transaction what became of it, under the version that was read."""
    writes.update(
        NotificationRow(row.pk),
        [*_settling(row, outcome, now), NotificationRow.version.set(NotificationRow.version + 1)],
        condition=NotificationRow.version == row.version,
    )


def release(row: NotificationRow) -> None:
    """Give it back unsent. Raises VersionConflict."""
    _change(row, NotificationRow.leased_until.set(0))


def of_user(
    user_id: str, limit: int, after: dict[str, Any] | None
) -> tuple[list[Notification], dict[str, Any] | None]:
    """A page of what an account was told, newest first, and the key to go on after: one Query."""
    page = NotificationRow.by_user.query(
        user_id, scan_index_forward=False, limit=limit, page_size=limit + 1, last_evaluated_key=after
    )
    return list(map(_shown, page)), page.last_evaluated_key


def of_recipient(
    recipient: str, limit: int, after: dict[str, Any] | None
) -> tuple[list[Notification], dict[str, Any] | None]:
    """A page of what an address or number was told, newest first, and the key to go on after: one Query."""
    page = NotificationRow.by_recipient.query(
        recipient, scan_index_forward=False, limit=limit, page_size=limit + 1, last_evaluated_key=after
    )
    return list(map(_shown, page)), page.last_evaluated_key


def _shown(row: NotificationRow) -> Notification:
    return Notification(
        notification_id=row.pk,
        channel=Channel(row.channel),
        template=row.template,
        category=Category(row.category),
        language=row.language,
        to=row.to,
        order_id=row.order_id,
        status=Status(row.status),
        reason=row.reason,
        instead=row.instead,
        instead_of=row.instead_of,
        at=row.at,
        updated_at=row.updated_at,
        history=[
            Change(Status(entry["status"]), datetime.fromisoformat(entry["at"]), entry.get("reason"))
            for entry in row.history
        ],
    )


def _existing(notification_id: str) -> NotificationRow:
    return NotificationRow.get(notification_id, consistent_read=True)


def _put_beyond_limit(row: NotificationRow, now: datetime) -> None:
    row.status = Status.SUPPRESSED.value
    row.cause = Cause.LIMIT.value
    row.reason = "told as often as may be in this time"
    row.leased_until = None
    row.history = [_entry(Status.SUPPRESSED, now, row.reason)]
    put(row, None)


def _count(writes: TransactWrite, limit: Limit) -> None:
    writes.update(
        CounterRow(f"{CounterRow.PREFIX}{limit.counter}"),
        [
            CounterRow.value.set((CounterRow.value | 0) + 1),
            CounterRow.expires_at.set(clock.epoch(limit.ends_at)),
        ],
        condition=CounterRow.value.does_not_exist() | (CounterRow.value < limit.most),
    )


def _settling(
    row: NotificationRow,
    outcome: Outcome,
    now: datetime,
    *,
    provider_id: str | None = None,
    language: str | None = None,
    text: str | None = None,
) -> list[Action]:
    reason = outcome.reason[:_MAX_REASON] if outcome.reason else None
    known = [
        (NotificationRow.provider_id, provider_id),
        (NotificationRow.language, language),
        (NotificationRow.text, text),
        (NotificationRow.instead, outcome.instead),
    ]
    return [
        NotificationRow.status.set(outcome.status.value),
        NotificationRow.updated_at.set(now),
        NotificationRow.history.set([*row.history, _entry(outcome.status, now, reason)][-HISTORY:]),
        # Of this outcome alone: what was delivered after all failed for no reason.
        _set(NotificationRow.reason, reason),
        _set(NotificationRow.cause, outcome.cause.value if outcome.cause else None),
        NotificationRow.leased_until.remove(),
        NotificationRow.words.remove(),
        *(attribute.set(value) for attribute, value in known if value),
    ]


def _set(attribute: UnicodeAttribute, value: str | None) -> Action:
    return attribute.remove() if value is None else attribute.set(value)


def _entry(status: Status, now: datetime, reason: str | None = None) -> dict[str, str]:
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"status": status.value, "at": at} | ({"reason": reason} if reason else {})


def _change(row: NotificationRow, *actions: Action) -> None:
    """Update the row as it was read. Raises VersionConflict."""
    try:
        row.update(
            [*actions, NotificationRow.version.set(NotificationRow.version + 1)],
            condition=NotificationRow.version == row.version,
        )
    except UpdateError as error:
        require_condition_failure(error)
        raise VersionConflict(row.pk) from error
