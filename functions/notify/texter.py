"""Amazon SNS's text messages, the world outside: one message to one number, sent or refused for good."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from notify.domain.addresses import unnamed
from notify.domain.letters import Category
from notify.settings import settings
from shared.runtime.aws import client
from shared.runtime.observability import log

# What SNS will answer again to the same message (Amazon SNS API reference, Publish, errors).
PERMANENT = {"InvalidParameter", "InvalidParameterValue", "ValidationError", "ValidationException"}


class Rejected(Exception):
    """This message will never go out; the message says why."""


class OptedOut(Exception):
    """Whoever has the number told its network to take nothing of ours."""


class Unsent(Exception):
    """SNS answered that it did not take this message, for a reason that may pass."""


def warm_up() -> None:
    """Make the client during init."""
    _sns()
    _check()


def send(number: str, words: str, category: Category) -> str:
    """Send `words` to a number (E.164); SNS's message id.

    Raises Rejected, OptedOut, Unsent; after any other error it may have gone out. None of the three names the
    number: what is raised is logged.
    """
    if _is_opted_out(number):
        raise OptedOut
    kind = "Promotional" if category is Category.MARKETING else "Transactional"
    shown = {"AWS.SNS.SMS.SMSType": kind, "AWS.SNS.SMS.SenderID": settings().notify_sms_sender}
    try:
        answer = _sns().publish(
            PhoneNumber=number,
            Message=words,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in shown.items() if value
            },
        )
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        if code.startswith("OptedOut"):
            raise OptedOut from None
        said = f"{code}: {unnamed(error.response['Error']['Message'], number)[:300]}"
        if code in PERMANENT:
            raise Rejected(said) from None
        raise Unsent(said) from None
    return str(answer["MessageId"])


def _is_opted_out(number: str) -> bool:
    try:
        answer = _check().check_if_phone_number_is_opted_out(phoneNumber=number)
    except (BotoCoreError, ClientError) as error:
        # SNS delivers nothing to such a number anyway: a check that cannot be made holds nothing up.
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        log.warning("opt-out not known", extra={"code": code})
        return False
    return bool(answer["isOptedOut"])


def _sns() -> Any:
    # As for mails: a batch must end within the function's time, and the queue is the retry.
    return client("sns", read_timeout=3, attempts=2)


def _check() -> Any:
    # One short try: without its answer the message goes out all the same.
    return client("sns", read_timeout=1, attempts=1)
