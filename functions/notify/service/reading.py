"""Notifications as their readers and staff see them."""

from notify.domain.addresses import e164, recipient_of
from notify.domain.notifications import Notification
from notify.settings import settings
from notify.tables import notifications
from shared.errors import Forbidden
from shared.http.identity import Caller
from shared.http.paging import Cursors
from shared.runtime.secrets import secret

cursors = Cursors(lambda: secret(settings().notify_cursor_secret_arn)["key"])


def listed(
    caller: Caller, recipient: str | None, limit: int, cursor: str | None
) -> tuple[list[Notification], str | None]:
    """A page of what the caller was told, or for staff an address or number, newest first, and the next
    page's cursor. Raises Forbidden where somebody else asks for a recipient, Malformed."""
    if recipient is None:
        place = f"notifications:{caller.user_id}"
        found, last = notifications.of_user(caller.user_id, limit, cursors.read(cursor, place))
        return found, cursors.write(last, place)
    if not caller.is_staff:
        raise Forbidden("A recipient's notifications are for staff; without one you get your own.")
    name = recipient_of(e164(recipient) or recipient)
    place = f"notifications-to:{name}"
    found, last = notifications.of_recipient(name, limit, cursors.read(cursor, place))
    return found, cursors.write(last, place)
