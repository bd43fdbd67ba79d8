"""Messages written by staff: stored, then queued."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notify import own_queue
from notify.domain import limits
from notify.domain.addresses import e164
from notify.domain.messages import Category, Channel, Message, Template
from notify.domain.outcomes import Status
from notify.domain.sms import sms_segments
from notify.settings import settings
from notify.tables import notifications, recipients
from notify.tables.notifications import LimitReachedError, NotificationExistsError
from notify.tables.rows import NotificationRow
from shared.dynamodb.idempotency import IdempotencyKey
from shared.errors import IdempotencyKeyReused, TooManyRequests, invalid
from shared.http.identity import Caller
from shared.runtime import clock


@dataclass(frozen=True)
class Queued:
    """A queued notification; `is_replayed`: an earlier request with the same key queued it."""

    notification_id: str
    is_replayed: bool


class TooManyNotifications(TooManyRequests):
    """The recipient has reached the hourly limit of notifications."""


def queue_email(
    caller: Caller,
    to: str,
    subject: str,
    text: str,
    html: str | None,
    category: Category,
    key: IdempotencyKey,
) -> Queued:
    """Queue an email. Raises TooManyNotifications, IdempotencyKeyReused."""
    content = {"subject": subject, "text": text, "html": html, "by": caller.user_id}
    return _queue(Channel.EMAIL, to, content, category, key)


def queue_sms(caller: Caller, to: str, text: str, key: IdempotencyKey) -> Queued:
    """Queue a text message. Raises Invalid, TooManyNotifications, IdempotencyKeyReused."""
    number = e164(to)
    if number is None:
        raise invalid("/to", "Give the number with its country code: + and 7 to 15 digits.")
    limit = settings().notify_sms_max_segments
    if sms_segments(text) > limit:
        raise invalid("/message", f"The message needs more than {limit} segments; shorten it.")
    return _queue(Channel.SMS, number, {"message": text, "by": caller.user_id}, Category.SERVICE, key)


def _queue(
    channel: Channel, to: str, content: dict[str, Any], category: Category, key: IdempotencyKey
) -> Queued:
    """Store the notification, then queue it.

    Its id is derived from the idempotency key. If the process dies in between, the same request finds the
    row and queues it again, unless it was sent.
    """
    now = clock.now()
    row = _row(channel, to, content, category, key, now)
    limit = limits.hourly(row.recipient, settings().notify_max_per_hour, now)
    is_replayed = False
    try:
        notifications.put(row, limit)
    except NotificationExistsError as error:
        if error.row.fingerprint != key.fingerprint:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was used with a different body; send a new key."
            ) from error
        row, is_replayed = error.row, True
    except LimitReachedError as error:
        wait = max(1, int((limit.ends_at - now).total_seconds()))
        raise TooManyNotifications(
            f"This recipient has reached the limit of {limit.maximum} messages an hour.",
            headers={"Retry-After": str(wait)},
        ) from error
    if row.status == Status.QUEUED:
        own_queue.send(row.pk)
    return Queued(row.pk, is_replayed)


def _row(
    channel: Channel,
    to: str,
    content: dict[str, Any],
    category: Category,
    key: IdempotencyKey,
    now: datetime,
) -> NotificationRow:
    user_id = recipients.account_of(to) if channel is Channel.EMAIL else None
    message = Message(Template.STAFF_MESSAGE, key.pk, user_id or "", to, category=category)
    return notifications.new_row(
        message,
        channel,
        to,
        key.pk,
        now,
        staff_content=content,
        fingerprint=key.fingerprint,
        leased_until=0,
        at=now,
    )
