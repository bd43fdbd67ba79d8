"""Text messages sent once, by whoever has a reason."""

from notify.domain import limits
from notify.domain.outcomes import Status
from notify.service import outgoing
from notify.settings import settings
from notify.tables import notifications
from notify.tables.rows import NotificationRow
from shared.runtime import clock

_OUT = {Status.SENT, Status.DELIVERED}


def send(row: NotificationRow, words: str, language: str) -> bool:
    """Send a text message that is not written yet, once; whether it went out, now or before.

    Raises BeingSent, and what passes by itself.
    """
    now = clock.now()
    limit = limits.hourly(row.recipient, settings().notify_an_hour, now)
    claimed = notifications.claim(row, now, limit)
    if claimed.is_ours:
        outgoing.text_message(claimed.row, words, language=language)
    return claimed.row.status in _OUT


def went_out(notification_id: str) -> bool:
    """Whether that text message was sent before."""
    found = notifications.find(notification_id)
    return found is not None and found.status in _OUT
