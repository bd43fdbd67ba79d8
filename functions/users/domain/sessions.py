"""Sessions, their access tokens (short-lived) and refresh tokens (used once)."""

import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from shared.errors import Unauthorized
from users.domain.accounts import Subject
from users.domain.keys import AUDIENCE

ACCESS_TOKEN_TTL = timedelta(minutes=15)  # it works until it expires, even after its session was revoked
SESSION_TTL = timedelta(days=30)  # from its last refresh; a device that is not used for a month is logged out
MAX_ATTEMPTS = 5  # failed logins per address and window; enough for typing errors, too few for guessing
ATTEMPTS_WINDOW = timedelta(minutes=15)  # at most 480 guesses per address and day
_REFRESH_TOKEN = re.compile(r"(ses_[0-9A-Z]{26})\.([A-Za-z0-9_-]{32})([A-Za-z0-9_-]{32})")


class SessionOver(Unauthorized):
    """The refresh token is not valid: unknown, used, expired, or its session was revoked."""

    advice = "Log in again with `POST /users/login`, or start as a guest with `POST /users/guest`."

    def __init__(self) -> None:
        super().__init__("The session is over; log in again.")


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token: `<session id>.<family><nonce>`. Each refresh changes the nonce and keeps the family.

    This distinguishes a used token (its family is right; it ends the session) from an invented one (it has
    no effect).
    """

    session_id: str
    family: str = field(repr=False)
    nonce: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.session_id}.{self.family}{self.nonce}"

    @classmethod
    def parse(cls, text: str) -> "RefreshToken":
        """Raise SessionOver if the text does not have the form of a refresh token."""
        found = _REFRESH_TOKEN.fullmatch(text)
        if not found:
            raise SessionOver
        return cls(*found.groups())


@dataclass(frozen=True)
class Session:
    """A session of one user on one device. It stores hashes of its token's family and nonce.

    `expires_at` is in epoch seconds; `password_version` is 0 for guests.
    """

    session_id: str
    user_id: str
    password_version: int
    family_hash: str
    nonce_hash: str
    expires_at: int
    revoked: bool = False

    @classmethod
    def of(cls, subject: Subject, token: RefreshToken, now: datetime) -> "Session":
        return cls(
            session_id=token.session_id,
            user_id=subject.user_id,
            password_version=subject.password_version,
            family_hash=digest(token.family),
            nonce_hash=digest(token.nonce),
            expires_at=int((now + SESSION_TTL).timestamp()),
        )

    @property
    def is_guest(self) -> bool:
        return self.password_version == 0

    def is_over(self, now: datetime) -> bool:
        return self.revoked or self.expires_at <= now.timestamp()

    def issued(self, token: RefreshToken) -> bool:
        """Return whether the session issued the token, used or not."""
        return hmac.compare_digest(self.family_hash, digest(token.family))

    def expects(self, token: RefreshToken) -> bool:
        """Return whether the token is the session's latest, not yet used."""
        return self.issued(token) and hmac.compare_digest(self.nonce_hash, digest(token.nonce))


@dataclass(frozen=True)
class Tokens:
    """The tokens that a client gets; `expires_in` is the access token's lifetime in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int = int(ACCESS_TOKEN_TTL.total_seconds())


def digest(secret: str) -> str:
    """Return the SHA-256 hash of a secret; that is enough because the secret is long and random."""
    return sha256(secret.encode()).hexdigest()


def claims(subject: Subject, session_id: str, issuer: str, token_id: str, now: datetime) -> dict[str, Any]:
    """Return the claims of an access token (RFC 7519, 4.1; `sid`, `roles` and `email` are private claims)."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": subject.user_id,
        "roles": list(subject.roles),
        "sid": session_id,
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS_TOKEN_TTL).timestamp()),
        "jti": token_id,
    }
    if subject.email:
        claims["email"] = subject.email
    return claims
