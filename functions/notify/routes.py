"""HTTP in."""

from notify import pages
from notify.domain.letters import Category
from notify.schemas import (
    ChoosePreferences,
    LinkQuery,
    NotificationsQuery,
    NotificationView,
    PreferencesView,
    PromisedView,
    WriteEmail,
    WriteText,
)
from notify.service import by_hand, preferences, reading
from notify.service.by_hand import Promised
from shared.dynamodb.idempotency import IdempotencyKey
from shared.http.identity import CUSTOMER, PUBLIC, STAFF, Caller
from shared.http.paging import Page
from shared.http.routing import Html, Replayed, Routes

routes = Routes()


@routes.post("/notifications/email", role=STAFF, status=202, idempotent=True)
def write_email(caller: Caller, body: WriteEmail, claim: IdempotencyKey) -> PromisedView | Replayed:
    """Send a mail by hand."""
    return _view(
        by_hand.write_mail(
            caller, body.to, body.subject, body.text, body.html, Category(body.category), claim
        )
    )


@routes.post("/notifications/sms", role=STAFF, status=202, idempotent=True)
def write_text(caller: Caller, body: WriteText, claim: IdempotencyKey) -> PromisedView | Replayed:
    """Send a text message by hand."""
    return _view(by_hand.write_text(caller, body.to, body.message, claim))


@routes.get("/notifications", role=CUSTOMER)
def list_notifications(caller: Caller, query: NotificationsQuery) -> Page[NotificationView]:
    """What you were told, newest first; for staff, what a recipient was."""
    found, cursor = reading.listed(caller, query.recipient, query.limit, query.cursor)
    return Page[NotificationView](items=[NotificationView.of(each) for each in found], next_cursor=cursor)


@routes.get("/notifications/preferences", role=CUSTOMER)
def read_preferences(caller: Caller) -> PreferencesView:
    """What you hear of, and how."""
    return PreferencesView.of(preferences.read(caller.user_id))


@routes.put("/notifications/preferences", role=CUSTOMER)
def put_preferences(caller: Caller, body: ChoosePreferences, if_match: int | None) -> PreferencesView:
    """Choose what you hear of, and how."""
    return PreferencesView.of(
        preferences.choose(caller.user_id, body.email.choice(), body.sms.choice(), body.language, if_match)
    )


# A scanner of mails follows links: what is got changes nothing, only what is posted does.
@routes.get("/notifications/unsubscribe")
def show_unsubscribe(query: LinkQuery) -> Html:
    """The page that a mail's link leads to, with its button."""
    preferences.check_link(query.token)
    return pages.asking()


@routes.post("/notifications/unsubscribe", role=PUBLIC, repeatable=True)
def unsubscribe(query: LinkQuery) -> Html:
    """End such mails: the page's button, or a mail program's one click (RFC 8058)."""
    preferences.unsubscribe(query.token)
    return pages.done()


def _view(promised: Promised) -> PromisedView | Replayed:
    view = PromisedView(notification_id=promised.notification_id)
    return Replayed(view) if promised.is_replayed else view
