"""The HTTP routes of notify."""

from notify import pages, unsubscribe_links
from notify.domain.messages import Category
from notify.schemas import (
    NotificationsQuery,
    NotificationView,
    PreferencesView,
    QueuedView,
    SendEmail,
    SendSms,
    UnsubscribeQuery,
    UpdatePreferences,
)
from notify.service import listing, preferences, staff_messages
from notify.service.staff_messages import Queued, TooManyNotifications
from shared.dynamodb.idempotency import IdempotencyKey
from shared.errors import IdempotencyKeyReused, Malformed
from shared.http.identity import CUSTOMER, PUBLIC, STAFF, Caller
from shared.http.paging import Page
from shared.http.responses import Html
from shared.http.routing import Replayed, Routes

routes = Routes()


@routes.post(
    "/notifications/email",
    role=STAFF,
    status=202,
    idempotent=True,
    raises=(IdempotencyKeyReused, TooManyNotifications),
)
def send_email(caller: Caller, body: SendEmail, claim: IdempotencyKey) -> QueuedView | Replayed:
    """Queue an email written by staff."""
    return _view(
        staff_messages.queue_email(
            caller, body.to, body.subject, body.text, body.html, Category(body.category), claim
        )
    )


@routes.post(
    "/notifications/sms",
    role=STAFF,
    status=202,
    idempotent=True,
    raises=(IdempotencyKeyReused, TooManyNotifications),
)
def send_sms(caller: Caller, body: SendSms, claim: IdempotencyKey) -> QueuedView | Replayed:
    """Queue a text message written by staff."""
    return _view(staff_messages.queue_sms(caller, body.to, body.message, claim))


@routes.get("/notifications", role=CUSTOMER)
def list_notifications(caller: Caller, query: NotificationsQuery) -> Page[NotificationView]:
    """List your notifications, newest first; staff may list those of a recipient."""
    found = listing.list_notifications(caller, query.recipient, query.limit, query.cursor)
    return Page[NotificationView].of_items(found, NotificationView.of)


@routes.get("/notifications/preferences", role=CUSTOMER)
def read_preferences(caller: Caller) -> PreferencesView:
    """Get your notification preferences."""
    return PreferencesView.of(preferences.read(caller.user_id))


@routes.put("/notifications/preferences", role=CUSTOMER)
def put_preferences(caller: Caller, body: UpdatePreferences, if_match: int | None) -> PreferencesView:
    """Replace your notification preferences."""
    return PreferencesView.of(
        preferences.replace_preferences(
            caller.user_id, body.email.choice(), body.sms.choice(), body.language, if_match
        )
    )


# Email scanners follow links, so a GET changes nothing.
@routes.get("/notifications/unsubscribe", raises=(Malformed,), error_page=pages.failure)
def show_unsubscribe(query: UnsubscribeQuery) -> Html:
    """Show the page with the unsubscribe button."""
    unsubscribe_links.read(query.token)
    return pages.confirmation()


@routes.post("/notifications/unsubscribe", role=PUBLIC, repeatable=True, error_page=pages.failure)
def unsubscribe(query: UnsubscribeQuery) -> Html:
    """Unsubscribe: by the page's button, or by an email program's one click (RFC 8058)."""
    preferences.unsubscribe(query.token)
    return pages.done()


def _view(queued: Queued) -> QueuedView | Replayed:
    view = QueuedView(notification_id=queued.notification_id)
    return Replayed(view) if queued.is_replayed else view
