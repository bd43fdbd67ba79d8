"""Lists of notifications, for their recipients and for staff."""

from notify.domain.addresses import e164, recipient_key
from notify.domain.notifications import Notification
from notify.settings import settings
from notify.tables import notifications
from shared.errors import Forbidden
from shared.http.identity import Caller
from shared.http.paging import Cursors, Listed
from shared.runtime.secrets import secret

cursors = Cursors(lambda: secret(settings().notify_cursor_secret_arn)["key"])


def list_notifications(
    caller: Caller, recipient: str | None, limit: int, cursor: str | None
) -> Listed[Notification]:
    """Return a page of the caller's notifications, newest first.

    Staff may list those of a `recipient` (an address or number) instead. Raises Forbidden, Malformed.
    """
    if recipient is None:
        scope = f"notifications:{caller.user_id}"
        page = notifications.of_user(caller.user_id, limit, cursors.read(cursor, scope))
        return cursors.listed(page, scope)
    if not caller.is_staff:
        raise Forbidden("Only staff may name a recipient; leave it out to list your own notifications.")
    key = recipient_key(e164(recipient) or recipient)
    scope = f"notifications-to:{key}"
    page = notifications.of_recipient(key, limit, cursors.read(cursor, scope))
    return cursors.listed(page, scope)
