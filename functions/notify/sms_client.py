"""Amazon SNS: sends one text message to one number."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from notify.domain.addresses import redact
from notify.domain.failures import PermanentFailure, TemporaryFailure
from notify.domain.messages import Category
from notify.settings import settings
from shared.runtime.aws import client
from shared.runtime.observability import log

READ_TIMEOUT = 3  # seconds; a batch must end within the function's time
ATTEMPTS = 2  # tries per text message; the queue retries after that
OPT_OUT_TIMEOUT = 1  # seconds, one try; the message is sent even without a response
MAX_REASON_LENGTH = 300  # characters of SNS's text; it is logged and stored
# SNS returns the same error for every try (Amazon SNS API reference, Publish, errors).
PERMANENT = {"InvalidParameter", "InvalidParameterValue", "ValidationError", "ValidationException"}


class OptedOutError(Exception):
    """The owner of the number opted out of text messages."""


def warm_up() -> None:
    """Build the clients during init."""
    _sns()
    _opt_out_client()


def send(number: str, text: str, category: Category) -> str:
    """Send the text to a number (E.164); return SNS's message id.

    Raises PermanentFailure, OptedOutError or TemporaryFailure; after any other error the message may have
    been sent. None of the three names the number, because errors are logged.
    """
    if _is_opted_out(number):
        raise OptedOutError
    sms_type = "Promotional" if category is Category.MARKETING else "Transactional"
    attributes = {"AWS.SNS.SMS.SMSType": sms_type, "AWS.SNS.SMS.SenderID": settings().notify_sms_sender}
    try:
        response = _sns().publish(
            PhoneNumber=number,
            Message=text,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
                if value
            },
        )
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        if code.startswith("OptedOut"):
            raise OptedOutError from None
        reason = f"{code}: {redact(error.response['Error']['Message'], number)[:MAX_REASON_LENGTH]}"
        if code in PERMANENT:
            raise PermanentFailure(reason) from None
        raise TemporaryFailure(reason) from None
    return str(response["MessageId"])


def _is_opted_out(number: str) -> bool:
    try:
        response = _opt_out_client().check_if_phone_number_is_opted_out(phoneNumber=number)
    except (BotoCoreError, ClientError) as error:
        # SNS does not deliver to such a number anyway, so a failed check does not delay the message.
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        log.warning("opt-out check failed", extra={"code": code})
        return False
    return bool(response["isOptedOut"])


def _sns() -> Any:
    return client("sns", read_timeout=READ_TIMEOUT, attempts=ATTEMPTS)


def _opt_out_client() -> Any:
    return client("sns", read_timeout=OPT_OUT_TIMEOUT, attempts=1)
