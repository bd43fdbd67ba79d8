"""Signed links that unsubscribe an account or an address without signing in."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import jwt

from notify.domain.messages import Category
from notify.settings import settings
from shared.errors import Malformed
from shared.runtime.secrets import secret

AUDIENCE = "unsubscribe"
ALGORITHM = "HS256"
PATH = "/notifications/unsubscribe"


@dataclass(frozen=True)
class Unsubscription:
    """The account, or the address without one, and the category that it unsubscribes from."""

    whose: Literal["user", "address"]
    name: str
    category: Category


def link(unsubscription: Unsubscription) -> str:
    """Return the link for an email's headers and footer. It never expires, because emails are kept."""
    claims = {
        "aud": AUDIENCE,
        "sub": unsubscription.name,
        "whose": unsubscription.whose,
        "category": unsubscription.category.value,
    }
    token = jwt.encode(claims, _key(), algorithm=ALGORITHM)
    return f"{settings().notify_api_url}{PATH}?token={quote(token)}"


def read(token: str) -> Unsubscription:
    """Return what the link unsubscribes. Raises Malformed if its signature is invalid."""
    try:
        claims = jwt.decode(
            token, _key(), algorithms=[ALGORITHM], audience=AUDIENCE, options={"require": ["sub", "aud"]}
        )
        return Unsubscription(claims["whose"], claims["sub"], Category(claims["category"]))
    except (jwt.InvalidTokenError, KeyError, ValueError) as error:
        raise Malformed(
            "The unsubscribe link is incomplete or invalid; copy all of it from the email."
        ) from error


def _key() -> str:
    return secret(settings().notify_unsubscribe_secret_arn)["key"]
