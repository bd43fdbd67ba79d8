"""Amazon SES, the world outside: one mail to one person, sent or refused for good."""

import re
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from botocore.exceptions import ClientError

from notify.domain.letters import Mail
from notify.settings import settings
from shared.aws import client

# What SES will answer again to the same mail (Amazon SES API reference, SendRawEmail, errors).
PERMANENT = {"MessageRejected", "InvalidParameterValue"}

# A dot-atom and a host name (RFC 5321, 4.1.2): all that SES delivers to, and never two addresses.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


class Rejected(Exception):
    """This mail will never go out; the message says why."""


def warm_up() -> None:
    """Make the client during init."""
    _ses()


def send(notification_id: str, to: str, mail: Mail) -> str:
    """Send `mail` to the address `to`; SES's message id.

    SES writes a Message-ID of its own, so a mail that goes out twice is known by `X-Notification-Id`.
    Raises Rejected when it is refused for good; any other error may pass by itself.
    """
    address = deliverable(to)
    message = compose(notification_id, address, mail)
    try:
        answer = _ses().send_raw_email(
            Source=settings().notify_sender,
            Destinations=[address],
            RawMessage={"Data": message.as_bytes(policy=SMTP)},
            Tags=[{"Name": "notification", "Value": notification_id}],
        )
    except ClientError as error:
        if _is_final(error):
            raise Rejected(f"{_code(error)}: {error.response['Error']['Message'][:300]}") from error
        raise
    return str(answer["MessageId"])


def compose(notification_id: str, address: str, mail: Mail) -> EmailMessage:
    """The mail as MIME: text first, HTML as the richer alternative (RFC 2046, 5.1.4), then what goes with it.

    EmailMessage refuses header values with line breaks.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = settings().notify_sender
    message["Reply-To"] = settings().notify_reply_to
    message["To"] = address
    message["Subject"] = mail.subject
    message["X-Notification-Id"] = notification_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: holiday notices stay away
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    for file in mail.enclosures:
        maintype, _, subtype = file.kind.partition("/")
        message.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=file.name)
    return message


def deliverable(to: str) -> str:
    """The address as SES takes it, the host name in ASCII (RFC 3490). Raises Rejected where it is none."""
    local, _, host = to.strip().rpartition("@")
    try:
        address = f"{local}@{host if host.isascii() else host.encode('idna').decode()}"
    except UnicodeError as error:
        raise Rejected("not an address that mail can be sent to") from error
    if not _ADDRESS.fullmatch(address) or len(address) > 254:
        raise Rejected("not an address that mail can be sent to")
    return address


def _is_final(error: ClientError) -> bool:
    """Whether SES refuses this mail for good. A sender it does not know is our own mistake, which passes:
    such mails wait in the dead-letter queue until the sender is verified."""
    sender = settings().notify_sender.rpartition("<")[2].rstrip(">")
    return _code(error) in PERMANENT and sender not in error.response["Error"]["Message"]


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def _ses() -> Any:
    # Two tries of 5 seconds: a batch of ten must end within the function's 30, and the queue is the retry.
    return client("ses", read_timeout=5, attempts=2)
