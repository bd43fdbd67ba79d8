"""Links that end a kind of mail without signing in, signed so that nobody can make them for others."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import jwt

from notify.domain.letters import Category
from notify.settings import settings
from shared.errors import Malformed
from shared.runtime.secrets import secret

AUDIENCE = "unsubscribe"
ALGORITHM = "HS256"
PATH = "/notifications/unsubscribe"


@dataclass(frozen=True)
class Unsubscription:
    """Whose mails of which category are to end: an account's, or those to an address without one."""

    whose: Literal["user", "address"]
    name: str
    category: Category


def link(of: Unsubscription) -> str:
    """The link for a mail's headers and its foot; it does not expire (RFC 8058 knows no end to a mail)."""
    claims = {"aud": AUDIENCE, "sub": of.name, "whose": of.whose, "category": of.category.value}
    token = jwt.encode(claims, _key(), algorithm=ALGORITHM)
    return f"{settings().notify_api_url}{PATH}?token={quote(token)}"


def read(token: str) -> Unsubscription:
    """What a link asks for; its signature is compared in constant time. Raises Malformed for any but ours."""
    try:
        claims = jwt.decode(
            token, _key(), algorithms=[ALGORITHM], audience=AUDIENCE, options={"require": ["sub", "aud"]}
        )
        return Unsubscription(claims["whose"], claims["sub"], Category(claims["category"]))
    except (jwt.InvalidTokenError, KeyError, ValueError) as error:
        raise Malformed("This link is not complete; copy all of it from the mail.") from error


def _key() -> str:
    return secret(settings().notify_unsubscribe_secret_arn)["key"]
