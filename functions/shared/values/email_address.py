"""The email address type, with the addresses that SES can send to."""

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

# ASCII only: SES accepts no other local part, and other domains only as Punycode
# (https://docs.aws.amazon.com/ses/latest/APIReference/API_Destination.html). Lengths: RFC 5321, 4.5.3.1.
# No `=?`: email programs decode it as an encoded word (RFC 2047), which may contain line breaks.
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?=.{{1,64}}@)(?!.*=\?){_LOCAL}@(?:{_LABEL}\.)+(?=[A-Za-z]){_LABEL}")
MAX_EMAIL = 254  # characters; RFC 5321, 4.5.3.1.3: a path of 256 with its angle brackets


def is_email(text: str) -> bool:
    """Return whether the text has the form of an address that SES can send to."""
    return len(text) <= MAX_EMAIL and _EMAIL.fullmatch(text) is not None


def _email(text: str) -> str:
    if not is_email(text):
        raise PydanticCustomError("email", "This is not a valid email address.")
    return text


Email = Annotated[
    str,
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": MAX_EMAIL}),
]
