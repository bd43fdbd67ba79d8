"""What staff wrote, taken from the queue and sent."""

from dataclasses import replace

from notify import unsubscribe_links
from notify.domain import messages, readers
from notify.domain.letters import Category, Channel, Letter, Mail
from notify.domain.readers import Reader
from notify.rendering import render
from notify.service import outgoing
from notify.service.telling import language_of
from notify.tables import notifications
from notify.tables import readers as reader_rows
from notify.tables.rows import NotificationRow
from notify.unsubscribe_links import Unsubscription
from shared.runtime import clock
from shared.runtime.observability import log


def send(notification_id: str) -> None:
    """Send what was promised, once. Raises BeingSent, and what passes by itself: the queue tries again."""
    row = notifications.find(notification_id)
    if row is None:
        log.error("nothing to send", extra={"notification": notification_id})
        return
    reader, _ = reader_rows.read(row.user_id or "", row.to)  # first: who fails here leaves no claim behind
    if not notifications.take(row, clock.now()).is_ours:
        return
    if row.channel == Channel.SMS:
        outgoing.text_message(row, row.words["message"], language=language_of(reader))
        return
    refusal = readers.objection(Category(row.category), reader)
    if refusal:
        outgoing.settle(row, refusal)
        return
    language = language_of(reader)
    outgoing.mail(row, lambda: _mail(row, reader, language), language=language)


def _mail(row: NotificationRow, reader: Reader, language: str) -> Mail:
    """Staff's words as a mail; marketing with the way to end it."""
    url = _unsubscribe_url(row, reader) if row.category == Category.MARKETING else ""
    words = row.words
    letter: Letter = messages.staff_message(
        row.about,
        user_id=row.user_id or "",
        to=row.to,
        subject=words["subject"],
        text=words["text"],
        html=words["html"],
        category=Category(row.category),
        unsubscribe_url=url,
    )
    return replace(render(letter, language), unsubscribe_url=url)


def _unsubscribe_url(row: NotificationRow, reader: Reader) -> str:
    if reader.known and row.user_id:
        return unsubscribe_links.link(Unsubscription("user", row.user_id, Category.MARKETING))
    return unsubscribe_links.link(Unsubscription("address", row.recipient, Category.MARKETING))
