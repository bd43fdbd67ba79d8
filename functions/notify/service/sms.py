"""Text messages, each sent once."""

from notify.domain import limits
from notify.domain.outcomes import Status
from notify.service import dispatch
from notify.settings import settings
from notify.tables import notifications
from notify.tables.rows import NotificationRow
from shared.runtime import clock

_SENT = {Status.SENT, Status.DELIVERED}


def send(row: NotificationRow, text: str, language: str) -> bool:
    """Send a text message whose row is not stored yet; return whether it was sent, now or before.

    Raises BeingSentError, and any temporary failure.
    """
    now = clock.now()
    limit = limits.hourly(row.recipient, settings().notify_max_per_hour, now)
    claim = notifications.claim(row, now, limit)
    if claim.is_ours:
        dispatch.send_sms(claim.row, text, language=language)
    return claim.row.status in _SENT


def was_sent(notification_id: str) -> bool:
    row = notifications.find(notification_id)
    return row is not None and row.status in _SENT
