"""What staff write themselves: kept first, then queued, then promised."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notify import own_queue
from notify.domain import limits
from notify.domain.addresses import e164
from notify.domain.letters import Category, Channel, Letter, Template
from notify.domain.outcomes import Status
from notify.domain.parts import parts
from notify.settings import settings
from notify.tables import notifications, readers
from notify.tables.rows import NotificationRow
from shared.dynamodb.idempotency import IdempotencyKey
from shared.errors import IdempotencyKeyReused, TooManyRequests, invalid
from shared.http.identity import Caller
from shared.runtime import clock


@dataclass(frozen=True)
class Promised:
    """A notification that will be sent; `is_replayed`: it was promised before."""

    notification_id: str
    is_replayed: bool


class TooManyNotifications(TooManyRequests):
    """The recipient was told as often as may be in this hour."""


def write_mail(
    caller: Caller,
    to: str,
    subject: str,
    text: str,
    html: str | None,
    category: Category,
    key: IdempotencyKey,
) -> Promised:
    """Have a mail of staff's sent. Raises TooManyNotifications, IdempotencyKeyReused."""
    words = {"subject": subject, "text": text, "html": html, "by": caller.user_id}
    return _write(Channel.EMAIL, to, words, category, key)


def write_text(caller: Caller, to: str, message: str, key: IdempotencyKey) -> Promised:
    """Have a text message of staff's sent. Raises Invalid, TooManyNotifications, IdempotencyKeyReused."""
    number = e164(to)
    if number is None:
        raise invalid("/to", "This is not a number with its country: + and 7 to 15 digits.")
    most = settings().notify_sms_parts
    if parts(message) > most:
        raise invalid("/message", f"This is longer than {most} text messages.")
    return _write(Channel.SMS, number, {"message": message, "by": caller.user_id}, Category.SERVICE, key)


def _write(
    channel: Channel, to: str, words: dict[str, Any], category: Category, key: IdempotencyKey
) -> Promised:
    """The row is the promise: whoever dies after it left nothing undone that the same request does not do.

    Its id is the key's, so the request's repetition finds it, and queues it again unless it was sent.
    """
    now = clock.now()
    row = _row(channel, to, words, category, key, now)
    limit = limits.hourly(row.recipient, settings().notify_an_hour, now)
    is_replayed = False
    try:
        notifications.put(row, limit)
    except notifications.Taken as taken:
        if taken.row.fingerprint != key.fingerprint:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was used with a different body; send a new key."
            ) from taken
        row, is_replayed = taken.row, True
    except notifications.Exhausted as exhausted:
        wait = max(1, int((limit.ends_at - now).total_seconds()))
        raise TooManyNotifications(
            f"They were told {limit.most} times in this hour; write later.",
            headers={"Retry-After": str(wait)},
        ) from exhausted
    if row.status == Status.QUEUED:
        own_queue.send(row.pk)
    return Promised(row.pk, is_replayed)


def _row(
    channel: Channel, to: str, words: dict[str, Any], category: Category, key: IdempotencyKey, now: datetime
) -> NotificationRow:
    owner = readers.account_of(to) if channel is Channel.EMAIL else None
    letter = Letter(Template.STAFF_MESSAGE, key.pk, owner or "", to, category=category)
    return notifications.fresh(
        letter, channel, to, key.pk, now, words=words, fingerprint=key.fingerprint, leased_until=0
    )
