"""Emails that SES accepted, text messages that SNS accepted, and stored notifications."""

from dataclasses import dataclass
from email import message_from_string, policy
from functools import lru_cache
from typing import Any

from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from notify.tables.rows import NotificationRow
from tests.support import ACCOUNT, REGION


@dataclass(frozen=True)
class ReceivedEmail:
    """A decoded email with all its headers; `attachments` are (name, media type, content)."""

    to: list[str]
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    attachments: list[tuple[str | None, str, bytes]]


def emails() -> list[ReceivedEmail]:
    """Return every email that SES accepted, oldest first."""
    sent = ses_backends[ACCOUNT][REGION].sent_messages
    return [_read(email.raw_data, tuple(email.destinations)) for email in sent]


def only_email() -> ReceivedEmail:
    """Return the only email that SES accepted."""
    (email,) = emails()
    return email


def sms_messages() -> list[tuple[str, str]]:
    """Return every text message that SNS accepted as (number, text), oldest first."""
    sent = sns_backends[ACCOUNT][REGION].sms_message_objects.values()
    return [(message.phone_number, message.message) for message in sent]


def notifications() -> list[NotificationRow]:
    """Return every stored notification."""
    return list(NotificationRow.scan(NotificationRow.pk.startswith("ntf_")))


def only_notification(**values: Any) -> NotificationRow:
    """Return the only notification whose attributes have these values."""
    (row,) = (
        row for row in notifications() if all(getattr(row, name) == value for name, value in values.items())
    )
    return row


@lru_cache(maxsize=256)  # the invariants read every email again after each step
def _read(raw: str, destinations: tuple[str, ...]) -> ReceivedEmail:
    message = message_from_string(raw, policy=policy.default)
    text, html = (message.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    assert text is not None and html is not None
    return ReceivedEmail(
        to=sorted(set(destinations)),
        subject=message["Subject"],
        text=text.get_content().replace("\r\n", "\n"),
        html=html.get_content().replace("\r\n", "\n"),
        headers={name: str(value) for name, value in message.items()},
        attachments=[
            (part.get_filename(), part.get_content_type(), part.get_content())
            for part in message.iter_attachments()
        ],
    )
