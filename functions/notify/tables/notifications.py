"""Notifications: each is claimed before it is sent, and its outcome is recorded under its version."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from notify.domain.addresses import recipient_key
from notify.domain.limits import Limit
from notify.domain.messages import LEASE, Category, Channel, Message, notification_id
from notify.domain.notifications import Notification, StatusChange
from notify.domain.outcomes import Cause, Outcome, Status
from notify.tables.rows import CounterRow, NotificationRow
from shared.dynamodb.concurrency import VersionConflict
from shared.dynamodb.pages import Found, read_page
from shared.dynamodb.rows import ConditionFailed, require_condition_failure, transaction
from shared.runtime import clock

# Longer than an event can be redelivered, and long enough to answer complaints for a year.
NOTIFICATION_TTL = timedelta(days=400)
MAX_HISTORY = 20  # changes per notification; there are at most five, unless SES sends unexpected feedback
_MAX_REASON = 500  # characters of a provider's text; a page of notifications must fit a response


class BeingSentError(Exception):
    """Another process has claimed the notification; its lease has not ended."""


class LimitReachedError(Exception):
    """The limit of notifications for the period has been reached."""


class NotificationExistsError(Exception):
    """A notification with this id exists: `row`."""

    def __init__(self, row: NotificationRow) -> None:
        super().__init__(row.pk)
        self.row = row


@dataclass(frozen=True)
class Claim:
    """A notification; `is_ours`: this process must send it."""

    row: NotificationRow
    is_ours: bool


def new_row(
    message: Message,
    channel: Channel,
    to: str,
    event_id: str,
    now: datetime,
    **more: Any,
) -> NotificationRow:
    """Return the row of a message on a channel: not stored yet, claimed by this process and not listed."""
    return NotificationRow(
        **{
            "pk": notification_id(message.template, message.dedupe_key, channel),
            "channel": channel.value,
            "template": message.template.value,
            "dedupe_key": message.dedupe_key,
            "subject_id": message.subject_id or None,
            "category": message.category.value,
            "to": to,
            "recipient": recipient_key(to),
            "user_id": message.user_id or None,
            "order_id": message.order_id,
            "invoice_number": message.invoice.number if message.invoice else None,
            "status": Status.QUEUED.value,
            "updated_at": now,
            "event_id": event_id,
            "history": [_entry(Status.QUEUED, now)],
            "leased_until": clock.epoch(now + LEASE),
            "not_superseded_by": list(message.not_superseded_by) or None,
            "valid_until": message.valid_until,
            "version": 1,
            "expires_at": clock.epoch(now + NOTIFICATION_TTL),
        }
        | more
    )


def claim(row: NotificationRow, now: datetime, limit: Limit | None = None) -> Claim:
    """Claim the notification for LEASE, to send it. Raises BeingSentError.

    A new one takes one conditional put, with a limit a transaction of two writes. Beyond the limit, it is
    recorded as suppressed. Marketing whose sender died is recorded as failed, because it may have been sent.
    """
    try:
        put(row, limit)
        return Claim(row, is_ours=True)
    except LimitReachedError:
        try:
            _put_beyond_limit(row, now)
            return Claim(row, is_ours=False)
        except NotificationExistsError as error:
            return claim_stored(error.row, now)
    except NotificationExistsError as error:
        return claim_stored(error.row, now)


def claim_stored(found: NotificationRow, now: datetime) -> Claim:
    """Claim a stored notification. Raises BeingSentError."""
    if found.status != Status.QUEUED:
        return Claim(found, is_ours=False)
    leased_until = int(found.leased_until or 0)
    if leased_until > clock.epoch(now):
        raise BeingSentError(found.pk)
    try:
        if leased_until and found.category == Category.MARKETING:
            interrupted = Outcome(Status.FAILED, Cause.INTERRUPTED, "the sender died; it may have been sent")
            record_outcome(found, interrupted, now)
            return Claim(found, is_ours=False)
        _change(found, NotificationRow.leased_until.set(clock.epoch(now + LEASE)))
    except VersionConflict as conflict:
        raise BeingSentError(found.pk) from conflict
    return Claim(found, is_ours=True)


def put(row: NotificationRow, limit: Limit | None) -> None:
    """Store a new notification and count it. Raises NotificationExistsError, LimitReachedError."""
    if limit is None:
        try:
            row.save(NotificationRow.pk.does_not_exist())
            return
        except PutError as error:
            require_condition_failure(error)
            raise NotificationExistsError(_existing(row.pk)) from error
    try:
        with transaction(NotificationRow) as writes:
            writes.save(row, condition=NotificationRow.pk.does_not_exist())
            _count(writes, limit)
    except ConditionFailed as failure:
        if failure.failed_at(0):
            raise NotificationExistsError(_existing(row.pk)) from failure
        raise LimitReachedError(row.pk) from failure


def find(notification_id: str) -> NotificationRow | None:
    try:
        return _existing(notification_id)
    except NotificationRow.DoesNotExist:
        return None


def record_outcome(
    row: NotificationRow,
    outcome: Outcome,
    now: datetime,
    *,
    provider_id: str | None = None,
    language: str | None = None,
    sms_text: str | None = None,
) -> None:
    """Record the outcome. Raises VersionConflict if the row changed since it was claimed."""
    _change(
        row,
        *_outcome_actions(row, outcome, now, provider_id=provider_id, language=language, sms_text=sms_text),
    )


def add_outcome(writes: TransactWrite, row: NotificationRow, outcome: Outcome, now: datetime) -> None:
    """Record the outcome as part of a transaction, if the row has not changed since it was read."""
    writes.update(
        NotificationRow(row.pk),
        [*_outcome_actions(row, outcome, now), NotificationRow.version.set(NotificationRow.version + 1)],
        condition=NotificationRow.version == row.version,
    )


def release(row: NotificationRow) -> None:
    """Release the claim without sending, and list the notification. Raises VersionConflict."""
    _change(row, NotificationRow.leased_until.set(0), *_listing(row))


def of_user(user_id: str, limit: int, after: dict[str, Any] | None) -> Found[Notification]:
    """Return a page of the account's notifications, newest first: one Query."""
    query = NotificationRow.by_user.query(
        user_id, scan_index_forward=False, page_size=limit + 1, last_evaluated_key=after
    )
    return read_page(query, NotificationRow, limit).map(_notification)


def of_recipient(recipient: str, limit: int, after: dict[str, Any] | None) -> Found[Notification]:
    """Return a page of the notifications to an address or number, as `of_user`."""
    query = NotificationRow.by_recipient.query(
        recipient, scan_index_forward=False, page_size=limit + 1, last_evaluated_key=after
    )
    return read_page(query, NotificationRow, limit).map(_notification)


def _notification(row: NotificationRow) -> Notification:
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
            StatusChange(Status(entry["status"]), datetime.fromisoformat(entry["at"]), entry.get("reason"))
            for entry in row.history
        ],
    )


def _existing(notification_id: str) -> NotificationRow:
    return NotificationRow.get(notification_id, consistent_read=True)


def _put_beyond_limit(row: NotificationRow, now: datetime) -> None:
    row.status = Status.SUPPRESSED.value
    row.cause = Cause.LIMIT.value
    row.reason = "the limit for this period has been reached"
    row.leased_until = None
    row.at = now
    row.history = [_entry(Status.SUPPRESSED, now, row.reason)]
    put(row, None)


def _count(writes: TransactWrite, limit: Limit) -> None:
    writes.update(
        CounterRow(f"{CounterRow.PREFIX}{limit.counter}"),
        [
            CounterRow.value.set((CounterRow.value | 0) + 1),
            CounterRow.expires_at.set(clock.epoch(limit.ends_at)),
        ],
        condition=CounterRow.value.does_not_exist() | (CounterRow.value < limit.maximum),
    )


def _outcome_actions(
    row: NotificationRow,
    outcome: Outcome,
    now: datetime,
    *,
    provider_id: str | None = None,
    language: str | None = None,
    sms_text: str | None = None,
) -> list[Action]:
    reason = outcome.reason[:_MAX_REASON] if outcome.reason else None
    values = [
        (NotificationRow.provider_id, provider_id),
        (NotificationRow.language, language),
        (NotificationRow.sms_text, sms_text),
        (NotificationRow.instead, outcome.instead),
    ]
    return [
        NotificationRow.status.set(outcome.status.value),
        NotificationRow.updated_at.set(now),
        NotificationRow.history.set([*row.history, _entry(outcome.status, now, reason)][-MAX_HISTORY:]),
        # Replaced even by nothing: an email that was delivered in the end has no reason.
        _set(NotificationRow.reason, reason),
        _set(NotificationRow.cause, outcome.cause.value if outcome.cause else None),
        *_listing(row),
        NotificationRow.leased_until.remove(),
        NotificationRow.staff_content.remove(),
        *(attribute.set(value) for attribute, value in values if value),
    ]


def _listing(row: NotificationRow) -> list[Action]:
    """Return the action that lists the notification under the time of its claim, unless it is listed."""
    listed_at: datetime | None = row.at
    return [NotificationRow.at.set(row.updated_at)] if listed_at is None else []


def _set(attribute: UnicodeAttribute, value: str | None) -> Action:
    return attribute.remove() if value is None else attribute.set(value)


def _entry(status: Status, now: datetime, reason: str | None = None) -> dict[str, str]:
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"status": status.value, "at": at} | ({"reason": reason} if reason else {})


def _change(row: NotificationRow, *actions: Action) -> None:
    """Update the row if it has not changed since it was read. Raises VersionConflict."""
    try:
        row.update(
            [*actions, NotificationRow.version.set(NotificationRow.version + 1)],
            condition=NotificationRow.version == row.version,
        )
    except UpdateError as error:
        require_condition_failure(error)
        raise VersionConflict(row.pk) from error
