"""The delivery of queued messages that staff wrote."""

from dataclasses import replace

from notify import unsubscribe_links
from notify.domain import recipients
from notify.domain.messages import Category, Channel, Email
from notify.domain.recipients import Recipient
from notify.domain.staff_messages import staff_message
from notify.rendering import render
from notify.service import dispatch
from notify.service.delivery import language_of
from notify.tables import notifications
from notify.tables import recipients as recipient_rows
from notify.tables.rows import NotificationRow
from notify.unsubscribe_links import Unsubscription
from shared.runtime import clock
from shared.runtime.observability import log


def send(notification_id: str) -> None:
    """Send a queued message once. Raises BeingSentError, and any temporary failure: the queue retries."""
    row = notifications.find(notification_id)
    if row is None:
        log.error("queued notification missing", extra={"notification": notification_id})
        return
    recipient, _ = recipient_rows.read(row.user_id or "", row.to)  # first: a failure here leaves no claim
    if not notifications.claim_stored(row, clock.now()).is_ours:
        return
    language = language_of(recipient)
    if row.channel == Channel.SMS:
        dispatch.send_sms(row, row.staff_content["message"], language=language)
        return
    suppressed = recipients.suppression_reason(Category(row.category), recipient)
    if suppressed:
        dispatch.record_outcome(row, suppressed)
        return
    dispatch.send_email(row, lambda: _email(row, recipient, language), language=language)


def _email(row: NotificationRow, recipient: Recipient, language: str) -> Email:
    """Return the email; marketing has an unsubscribe link."""
    url = _unsubscribe_url(row, recipient) if row.category == Category.MARKETING else ""
    message = staff_message(
        row.dedupe_key,
        user_id=row.user_id or "",
        to=row.to,
        subject=row.staff_content["subject"],
        text=row.staff_content["text"],
        html=row.staff_content["html"],
        category=Category(row.category),
        unsubscribe_url=url,
    )
    return replace(render(message, language), unsubscribe_url=url)


def _unsubscribe_url(row: NotificationRow, recipient: Recipient) -> str:
    if recipient.has_account and row.user_id:
        return unsubscribe_links.link(Unsubscription("user", row.user_id, Category.MARKETING))
    return unsubscribe_links.link(Unsubscription("address", row.recipient, Category.MARKETING))
