"""The emails and text messages that SES and SNS accepted."""

from dataclasses import dataclass
from email import message_from_string, policy

from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from notify.tables.rows import NotificationRow
from tests.support import ACCOUNT, REGION


@dataclass(frozen=True)
class ReceivedEmail:
    """A decoded email; `attachments` are (name, media type, content)."""

    to: list[str]
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    attachments: list[tuple[str | None, str, bytes]]


def emails() -> list[ReceivedEmail]:
    """Return every email that SES accepted, oldest first."""
    return [_read(sent) for sent in ses_backends[ACCOUNT][REGION].sent_messages]


def the_email() -> ReceivedEmail:
    """Return the only email that SES accepted."""
    (email,) = emails()
    return email


def sms_messages() -> list[tuple[str, str]]:
    """Return every text message that SNS accepted, as (number, text), oldest first."""
    sent = sns_backends[ACCOUNT][REGION].sms_message_objects.values()
    return [(message.phone_number, message.message) for message in sent]


def notifications() -> list[NotificationRow]:
    """Return every stored notification."""
    return list(NotificationRow.scan(NotificationRow.pk.startswith("ntf_")))


def _read(sent: object) -> ReceivedEmail:
    message = message_from_string(sent.raw_data, policy=policy.default)  # type: ignore[attr-defined]
    text, html = (message.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    assert text is not None and html is not None
    return ReceivedEmail(
        to=sorted(set(sent.destinations)),  # type: ignore[attr-defined]
        subject=message["Subject"],
        text=text.get_content().replace("\r\n", "\n"),
        html=html.get_content().replace("\r\n", "\n"),
        headers={name: str(value) for name, value in message.items()},
        attachments=[
            (part.get_filename(), part.get_content_type(), part.get_content())
            for part in message.iter_attachments()
        ],
    )
