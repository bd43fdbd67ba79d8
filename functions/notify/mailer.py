"""Amazon SES, the world outside: one mail to one person, sent or refused for good."""

import re
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from botocore.exceptions import ClientError

from notify.domain.addresses import deliverable, unnamed
from notify.domain.feedback import HEADER, TAG
from notify.domain.letters import Mail
from notify.settings import settings
from shared.runtime.aws import client

# What SES will answer again to the same mail (Amazon SES API reference, SendRawEmail, errors), unless it
# speaks of what is ours: that passes when the account or its settings are mended.
PERMANENT = {"MessageRejected", "InvalidParameterValue"}
OURS = re.compile(r"paused|suspended|for this account|configuration set", re.IGNORECASE)


class Rejected(Exception):
    """This mail will never go out; the message says why."""


class Unsent(Exception):
    """SES refused this mail for a reason that may pass: it is known that it did not go out."""


def warm_up() -> None:
    """Make the client during init."""
    _ses()


def send(notification_id: str, to: str, mail: Mail, *, at_most_once: bool = False) -> str:
    """Send `mail` to the address `to`; SES's message id. `at_most_once`: SES is asked but one time.

    SES writes a Message-ID of its own, so a mail that goes out twice is known by `X-Notification-Id`.
    Raises Rejected when it is refused for good or cannot be written, Unsent when SES says that it may pass;
    after any other error, SES's own failures too, it may have gone out. Neither names the address: what is
    raised is logged.
    """
    address = deliverable(to)
    if address is None:
        raise Rejected("not an address that mail can be sent to")
    told_of = settings().notify_configuration_set
    try:
        message = _list_headers(mail) + compose(notification_id, address, mail).as_bytes(policy=SMTP)
    except Exception as error:  # what the library stumbles over today it stumbles over at every try
        raise Rejected(f"it cannot be written as a mail ({type(error).__name__})") from None
    try:
        answer = _ses(1 if at_most_once else 2).send_raw_email(
            Source=settings().notify_sender,
            Destinations=[address],
            RawMessage={"Data": message},
            Tags=[{"Name": TAG, "Value": notification_id}],
            **{"ConfigurationSetName": told_of} if told_of else {},
        )
    except ClientError as error:
        said = f"{_code(error)}: {unnamed(error.response['Error']['Message'], address)[:300]}"
        if _is_final(error):
            raise Rejected(said) from None
        if _status(error) < 500:
            raise Unsent(said) from None
        raise
    return str(answer["MessageId"])


def compose(notification_id: str, address: str, mail: Mail) -> EmailMessage:
    """The mail as MIME: text first, HTML as the richer alternative (RFC 2046, 5.1.4), then what goes with it.

    EmailMessage refuses header values with line breaks, but decodes encoded words (RFC 2047) that hold some:
    a subject's are broken apart.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = settings().notify_sender
    message["Reply-To"] = settings().notify_reply_to
    message["To"] = address
    message["Subject"] = mail.subject.replace("=?", "= ?")
    message[HEADER] = notification_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: holiday notices stay away
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    for file in mail.enclosures:
        maintype, _, subtype = file.kind.partition("/")
        message.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=file.name)
    return message


def _list_headers(mail: Mail) -> bytes:
    """How the reader's mail program ends such mails with one click (RFC 8058, 3.1), where they can be ended.

    Written by hand: EmailMessage would put a line of this length into encoded words, which are no URL.
    """
    if not mail.unsubscribe_url:
        return b""
    url = mail.unsubscribe_url.encode("ascii")
    return b"List-Unsubscribe: <%b>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" % url


def _is_final(error: ClientError) -> bool:
    """Whether SES refuses this mail for good. A paused account or a sender it does not know is our own
    trouble, which passes: such mails wait in the dead-letter queue until it did."""
    sender = settings().notify_sender.rpartition("<")[2].rstrip(">")
    said = error.response["Error"]["Message"]
    return _code(error) in PERMANENT and sender not in said and not OURS.search(said)


def _status(error: ClientError) -> int:
    """SES's HTTP status; where there is none, that of a failure."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def _ses(attempts: int = 2) -> Any:
    # Two tries, each of 2 seconds to connect and 4 to read, and a pause of one between them make 26 of the
    # function's 29 for a batch of two mails; the queue is the retry.
    return client("ses", read_timeout=4, attempts=attempts)
