"""One notification on its way out: sent or refused, and recorded, whichever channel it takes."""

from collections.abc import Callable
from typing import TypeVar

from notify import mailer, texter
from notify.domain.letters import Category, Mail
from notify.domain.outcomes import Cause, Outcome, Status
from notify.tables import notifications
from notify.tables.rows import NotificationRow
from shared.messaging.rpc import CommandRejected
from shared.runtime import clock, observability
from shared.runtime.observability import log

W = TypeVar("W")
SENT = Outcome(Status.SENT)


def mail(row: NotificationRow, write: Callable[[], Mail], *, language: str, text: str | None = None) -> None:
    """Send a claimed mail; `write` gives its words, `text` what a text message in its place would say.

    Raises what passes by itself, the notification given back: the queue tries again.
    """

    def send(words: Mail) -> str:
        return mailer.send(row.pk, row.to, words, at_most_once=_is_at_most_once(row))

    _out(row, write, send, language, text)


def text_message(row: NotificationRow, words: str, *, language: str) -> None:
    """Send a claimed text message. Raises what passes by itself."""
    _out(row, lambda: words, lambda text: texter.send(row.to, text, Category(row.category)), language, None)


def settle(
    row: NotificationRow,
    outcome: Outcome,
    *,
    provider_id: str | None = None,
    language: str | None = None,
    text: str | None = None,
) -> None:
    """Record the outcome, log and count it; nothing where its provider told of a later one by now."""
    try:
        notifications.settle(row, outcome, clock.now(), provider_id=provider_id, language=language, text=text)
    except notifications.VersionConflict:
        found = notifications.find(row.pk)
        if found is None or found.status == Status.QUEUED:
            raise
    log.info("told", extra={"notification": row.pk, "template": row.template, "status": outcome.status})
    observability.count(f"Notifications{outcome.status.capitalize()}")


def _out(
    row: NotificationRow,
    write: Callable[[], W],
    send: Callable[[W], str],
    language: str,
    text: str | None,
) -> None:
    is_asked = False
    try:
        words = write()
        is_asked = True
        provider_id = send(words)
    except (mailer.Rejected, texter.Rejected, CommandRejected) as refusal:
        settle(row, Outcome(Status.FAILED, Cause.REFUSED, str(refusal)), language=language)
    except texter.OptedOut:
        refused = Outcome(Status.SUPPRESSED, Cause.OPTED_OUT, "the number takes no messages of ours")
        settle(row, refused, language=language)
    except Exception as error:
        is_known_unsent = not is_asked or isinstance(error, mailer.Unsent | texter.Unsent)
        if _is_at_most_once(row) and not is_known_unsent:
            settle(row, Outcome(Status.FAILED, Cause.DIED, "no answer; it may have gone out"))
            return
        notifications.release(row)  # the next try need not wait for the lease
        raise
    else:
        settle(row, SENT, provider_id=provider_id, language=language, text=text)


def _is_at_most_once(row: NotificationRow) -> bool:
    """A confirmation twice is better than none; of marketing none is better than two."""
    return bool(row.category == Category.MARKETING)
