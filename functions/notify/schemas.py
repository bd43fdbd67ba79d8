"""The request and response models."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, StringConstraints

from notify.domain.messages import Category, Channel
from notify.domain.notifications import Notification
from notify.domain.outcomes import Status
from notify.domain.recipients import Choice, Preferences
from shared.http.paging import PageQuery
from shared.http.routing import Body, View
from shared.models import Model
from shared.values.email_address import Email
from shared.values.text import SINGLE_LINE

# Line breaks and tabs, but no other control characters. The limits keep a row under 400 KB.
_PROSE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$"
Line = Annotated[str, StringConstraints(pattern=SINGLE_LINE, max_length=200)]
Prose = Annotated[str, StringConstraints(pattern=_PROSE, max_length=20_000)]
Html = Annotated[str, StringConstraints(pattern=_PROSE, max_length=40_000)]
SmsText = Annotated[str, StringConstraints(pattern=_PROSE, max_length=1600)]
Number = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class SendEmail(Body):
    """An email to one address. `html` is reduced to safe tags. `marketing` is sent only to recipients who
    want it, with an unsubscribe link."""

    to: Email
    subject: Line
    text: Prose
    html: Html | None = None
    category: Literal["service", "marketing"] = "service"


class SendSms(Body):
    """A text message to one number, which includes its country code."""

    to: Number
    message: SmsText


class QueuedView(View):
    """The id under which `GET /notifications` lists the notification."""

    notification_id: str


class ChannelPreferencesInput(Body):
    """What to send on a channel."""

    orders: bool
    marketing: bool

    def choice(self) -> Choice:
        return Choice(self.orders, self.marketing)


class UpdatePreferences(Body):
    """The new preferences. Security notifications cannot be turned off. Without a `language`, the shop's
    default applies."""

    email: ChannelPreferencesInput
    sms: ChannelPreferencesInput
    language: Literal["en", "de"] | None = None


class ChoiceView(View):
    """What is sent on a channel."""

    orders: bool
    marketing: bool


class PreferencesView(View):
    """The notifications that a user wants to receive. `language` is null if the shop's default applies."""

    email: ChoiceView
    sms: ChoiceView
    language: str | None
    version: int

    @classmethod
    def of(cls, preferences: Preferences) -> "PreferencesView":
        return cls(
            email=ChoiceView(**vars(preferences.email)),
            sms=ChoiceView(**vars(preferences.sms)),
            language=preferences.language,
            version=preferences.version,
        )


class NotificationsQuery(PageQuery):
    recipient: Annotated[str, StringConstraints(min_length=1, max_length=254)] | None = None


class UnsubscribeQuery(Model):
    """The query of an unsubscribe link. Other parameters are ignored, because email programs may add some."""

    model_config = ConfigDict(extra="ignore")

    token: Annotated[str, StringConstraints(max_length=2000)]


class StatusChangeView(View):
    """A status of a notification, since when, and why."""

    status: Status
    at: datetime
    reason: str | None


class NotificationView(View):
    """A message on one channel. `instead` is the channel that was used instead of this one; `instead_of` is
    the notification that this one replaces."""

    notification_id: str
    channel: Channel
    template: str
    category: Category
    language: str | None
    to: str
    order_id: str | None
    status: Status
    reason: str | None
    instead: str | None
    instead_of: str | None
    at: datetime
    updated_at: datetime
    history: list[StatusChangeView]

    @classmethod
    def of(cls, notification: Notification) -> "NotificationView":
        history = [StatusChangeView(**vars(change)) for change in notification.history]
        return cls(**vars(notification) | {"history": history})
