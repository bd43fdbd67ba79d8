"""Amazon SES: sends one email to one recipient."""

import re
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from botocore.exceptions import ClientError

from notify.domain.addresses import deliverable, redact
from notify.domain.failures import PermanentFailure, TemporaryFailure
from notify.domain.feedback import HEADER, TAG
from notify.domain.messages import Email
from notify.settings import settings
from shared.runtime.aws import client

# seconds; two tries, each with 2 seconds to connect, and a pause of one second take 13 seconds, so that a
# batch of two emails takes 26 of the function's 29
READ_TIMEOUT = 4
ATTEMPTS = 2  # tries per email; the queue retries after that
MAX_REASON_LENGTH = 300  # characters of SES's text; it is logged and stored
# SES returns the same error for every try (Amazon SES API reference, SendRawEmail, errors), unless it is
# about the shop's account, sender or configuration set: that passes when it is repaired.
PERMANENT = {"MessageRejected", "InvalidParameterValue"}
ABOUT_ACCOUNT = re.compile(r"paused|suspended|for this account|configuration set", re.IGNORECASE)


def warm_up() -> None:
    """Build the client during init."""
    _ses()


def send(notification_id: str, to: str, email: Email, *, at_most_once: bool = False) -> str:
    """Send the email to the address `to`; return SES's message id. `at_most_once`: the client does not retry.

    SES sets its own Message-ID; `X-Notification-Id` identifies copies of the same email.
    Raises PermanentFailure or TemporaryFailure; after any other error, also one of SES's own, the email may
    have been sent. Neither names the address, because errors are logged.
    """
    address = deliverable(to)
    if address is None:
        raise PermanentFailure("invalid email address")
    configuration_set = settings().notify_configuration_set
    try:
        mime = _list_headers(email) + compose(notification_id, address, email).as_bytes(policy=SMTP)
    except Exception as error:  # the email library would fail again at every try
        raise PermanentFailure(f"the email cannot be composed ({type(error).__name__})") from None
    try:
        response = _ses(1 if at_most_once else ATTEMPTS).send_raw_email(
            Source=settings().notify_sender,
            Destinations=[address],
            RawMessage={"Data": mime},
            Tags=[{"Name": TAG, "Value": notification_id}],
            **{"ConfigurationSetName": configuration_set} if configuration_set else {},
        )
    except ClientError as error:
        reason = f"{_code(error)}: {redact(error.response['Error']['Message'], address)[:MAX_REASON_LENGTH]}"
        if _is_permanent(error):
            raise PermanentFailure(reason) from None
        if _status(error) < 500:
            raise TemporaryFailure(reason) from None
        raise
    return str(response["MessageId"])


def compose(notification_id: str, address: str, email: Email) -> EmailMessage:
    """Return the email as MIME: text, HTML as the richer alternative (RFC 2046, 5.1.4), attachments.

    EmailMessage rejects line breaks in header values but decodes encoded words (RFC 2047), which may contain
    some, so `=?` in a subject is broken apart.
    """
    mime = EmailMessage(policy=SMTP)
    mime["From"] = settings().notify_sender
    mime["Reply-To"] = settings().notify_reply_to
    mime["To"] = address
    mime["Subject"] = email.subject.replace("=?", "= ?")
    mime[HEADER] = notification_id
    mime["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents automatic replies
    mime.set_content(email.text, cte="quoted-printable")
    mime.add_alternative(email.html, subtype="html", cte="quoted-printable")
    for file in email.attachments:
        maintype, _, subtype = file.media_type.partition("/")
        mime.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=file.name)
    return mime


def _list_headers(email: Email) -> bytes:
    """Return the headers for unsubscribing with one click (RFC 8058, 3.1), if the email has a link for it.

    EmailMessage would fold a line of this length into encoded words, which are not a URL.
    """
    if not email.unsubscribe_url:
        return b""
    url = email.unsubscribe_url.encode("ascii")
    return b"List-Unsubscribe: <%b>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" % url


def _is_permanent(error: ClientError) -> bool:
    """Return whether SES rejects this email for good. Errors about the shop's account or sender are not:
    those emails wait in the dead-letter queue until an operator has repaired it."""
    sender = settings().notify_sender.rpartition("<")[2].rstrip(">")
    text = error.response["Error"]["Message"]
    return _code(error) in PERMANENT and sender not in text and not ABOUT_ACCOUNT.search(text)


def _status(error: ClientError) -> int:
    """Return SES's HTTP status; 500 if there is none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def _ses(attempts: int = ATTEMPTS) -> Any:
    return client("ses", read_timeout=READ_TIMEOUT, attempts=attempts)
