"""What the notifications API takes and gives."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from notify.domain.letters import Category, Channel
from notify.domain.notifications import Notification
from notify.domain.outcomes import Status
from notify.domain.readers import Choice, Preferences
from shared.http.paging import PageQuery
from shared.http.routing import Body, View
from shared.values.email_address import Email
from shared.values.text import SINGLE_LINE

# Prose: line breaks and tabs, no other control character. Bounded so that a row stays under 400 KB.
_PROSE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$"
Line = Annotated[str, StringConstraints(pattern=SINGLE_LINE, max_length=200)]
Prose = Annotated[str, StringConstraints(pattern=_PROSE, max_length=20_000)]
Html = Annotated[str, StringConstraints(pattern=_PROSE, max_length=40_000)]
Message = Annotated[str, StringConstraints(pattern=_PROSE, max_length=1600)]
Number = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class WriteEmail(Body):
    """A mail by hand to one address. `html` is reduced to a text's own tags; `marketing` goes to those who
    want it, with the way to end it."""

    to: Email
    subject: Line
    text: Prose
    html: Html | None = None
    category: Literal["service", "marketing"] = "service"


class WriteText(Body):
    """A text message by hand to one number, with its country."""

    to: Number
    message: Message


class PromisedView(View):
    """What `GET /notifications` shows it by."""

    notification_id: str


class ChoiceBody(Body):
    orders: bool
    marketing: bool

    def choice(self) -> Choice:
        return Choice(self.orders, self.marketing)


class ChoosePreferences(Body):
    """What is told of security cannot be switched off. Without a `language` it is the shop's."""

    email: ChoiceBody
    sms: ChoiceBody
    language: Literal["en", "de"] | None = None


class ChoiceView(View):
    orders: bool
    marketing: bool


class PreferencesView(View):
    email: ChoiceView
    sms: ChoiceView
    language: str | None
    version: int

    @classmethod
    def of(cls, chosen: Preferences) -> "PreferencesView":
        return cls(
            email=ChoiceView(**vars(chosen.email)),
            sms=ChoiceView(**vars(chosen.sms)),
            language=chosen.language,
            version=chosen.version,
        )


class NotificationsQuery(PageQuery):
    recipient: Annotated[str, StringConstraints(min_length=1, max_length=254)] | None = None


class LinkQuery(BaseModel):
    """Mail programs may add parameters of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    token: Annotated[str, StringConstraints(max_length=2000)]


class ChangeView(View):
    status: Status
    at: datetime
    reason: str | None


class NotificationView(View):
    """Something told once by one channel. `instead` is the channel that told it in this one's place,
    `instead_of` the notification that this one stands in for."""

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
    history: list[ChangeView]

    @classmethod
    def of(cls, notification: Notification) -> "NotificationView":
        history = [ChangeView(**vars(change)) for change in notification.history]
        return cls(**vars(notification) | {"history": history})
