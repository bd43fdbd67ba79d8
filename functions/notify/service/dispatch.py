"""The dispatch of one claimed notification to SES or SNS, and the record of its outcome."""

from collections.abc import Callable
from typing import TypeVar

from notify import mailer, sms_client
from notify.domain.failures import PermanentFailure, TemporaryFailure
from notify.domain.messages import Category, Email
from notify.domain.outcomes import Cause, Outcome, Status
from notify.sms_client import OptedOutError
from notify.tables import notifications
from notify.tables.rows import NotificationRow
from shared.dynamodb.concurrency import VersionConflict
from shared.messaging.rpc import CommandRejected
from shared.runtime import clock, observability
from shared.runtime.observability import log

C = TypeVar("C")
SENT = Outcome(Status.SENT)


def send_email(
    row: NotificationRow, make: Callable[[], Email], *, language: str, sms_text: str | None = None
) -> None:
    """Send a claimed email. `sms_text` is stored: it is sent instead if the email bounces.

    Raises any temporary failure, after releasing the claim: the queue retries.
    """

    def send(email: Email) -> str:
        return mailer.send(row.pk, row.to, email, at_most_once=_is_at_most_once(row))

    _send(row, make, send, language, sms_text)


def send_sms(row: NotificationRow, text: str, *, language: str) -> None:
    """Send a claimed text message. Raises any temporary failure."""
    _send(
        row,
        lambda: text,
        lambda content: sms_client.send(row.to, content, Category(row.category)),
        language,
        None,
    )


def record_outcome(
    row: NotificationRow,
    outcome: Outcome,
    *,
    provider_id: str | None = None,
    language: str | None = None,
    sms_text: str | None = None,
) -> None:
    """Record, log and count the outcome; keep a later one that feedback recorded in the meantime."""
    try:
        notifications.record_outcome(
            row, outcome, clock.now(), provider_id=provider_id, language=language, sms_text=sms_text
        )
    except VersionConflict:
        stored = notifications.find(row.pk)
        if stored is None or stored.status == Status.QUEUED:
            raise
    extra = {"notification": row.pk, "template": row.template, "status": outcome.status}
    log.info("notification processed", extra=extra)
    observability.count(f"Notifications{outcome.status.capitalize()}")


def _send(
    row: NotificationRow,
    make: Callable[[], C],
    send: Callable[[C], str],
    language: str,
    sms_text: str | None,
) -> None:
    was_attempted = False
    try:
        content = make()
        was_attempted = True
        provider_id = send(content)
    except (PermanentFailure, CommandRejected) as failure:
        record_outcome(row, Outcome(Status.FAILED, Cause.REJECTED, str(failure)), language=language)
    except OptedOutError:
        opted_out = Outcome(Status.SUPPRESSED, Cause.OPTED_OUT, "the number opted out of text messages")
        record_outcome(row, opted_out, language=language)
    except Exception as error:
        is_known_unsent = not was_attempted or isinstance(error, TemporaryFailure)
        if _is_at_most_once(row) and not is_known_unsent:
            unknown = Outcome(Status.FAILED, Cause.INTERRUPTED, "no response; it may have been sent")
            record_outcome(row, unknown)
            return
        notifications.release(row)  # the next try does not wait for the lease
        raise
    else:
        record_outcome(row, SENT, provider_id=provider_id, language=language, sms_text=sms_text)


def _is_at_most_once(row: NotificationRow) -> bool:
    """Return whether a second copy is worse than none; it is for marketing only."""
    return bool(row.category == Category.MARKETING)
