"""Sessions and their tokens: short ones that are believed, a long one that is spent at each use."""

import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from shared.errors import Unauthorized
from users.domain.accounts import Subject
from users.domain.keys import AUDIENCE

ACCESS_TOKEN_TTL = timedelta(minutes=15)
SESSION_TTL = timedelta(days=30)  # from its last refresh
ATTEMPTS, ATTEMPTS_WINDOW = 5, timedelta(minutes=15)
_REFRESH_TOKEN = re.compile(r"(ses_[0-9A-Z]{26})\.([A-Za-z0-9_-]{32})([A-Za-z0-9_-]{32})")


class SessionOver(Unauthorized):
    """The refresh token opens nothing: unknown, spent, expired, or its session was ended."""

    def __init__(self) -> None:
        super().__init__("The session is over; sign in again.")


@dataclass(frozen=True)
class RefreshToken:
    """`<session id>.<secret>`; the secret's first half stays the session's, the second is new each time.

    So a spent token (first half right: it ends the session) is told from an invented one (it ends nothing).
    """

    session_id: str
    family: str = field(repr=False)
    nonce: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.session_id}.{self.family}{self.nonce}"

    @classmethod
    def read(cls, text: str) -> "RefreshToken":
        """Raises SessionOver where it has not the form of one."""
        found = _REFRESH_TOKEN.fullmatch(text)
        if not found:
            raise SessionOver
        return cls(*found.groups())


@dataclass(frozen=True)
class Session:
    """An open door for one user on one device; of its secret's halves only SHA-256 sums are kept."""

    session_id: str
    user_id: str
    credentials: int
    family_hash: str
    nonce_hash: str
    expires_at: int
    revoked: bool = False

    @classmethod
    def of(cls, subject: Subject, token: RefreshToken, now: datetime) -> "Session":
        return cls(
            session_id=token.session_id,
            user_id=subject.user_id,
            credentials=subject.credentials,
            family_hash=digest(token.family),
            nonce_hash=digest(token.nonce),
            expires_at=int((now + SESSION_TTL).timestamp()),
        )

    @property
    def is_guests(self) -> bool:
        return self.credentials == 0

    def is_over(self, now: datetime) -> bool:
        return self.revoked or self.expires_at <= now.timestamp()

    def gave(self, token: RefreshToken) -> bool:
        """Whether the token was ever one of this session's, spent or not."""
        return hmac.compare_digest(self.family_hash, digest(token.family))

    def awaits(self, token: RefreshToken) -> bool:
        """Whether the token is the session's latest, not yet spent."""
        return self.gave(token) and hmac.compare_digest(self.nonce_hash, digest(token.nonce))


@dataclass(frozen=True)
class Tokens:
    """What a client holds; `expires_in` seconds is how long the access token lasts."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int = int(ACCESS_TOKEN_TTL.total_seconds())


def digest(secret: str) -> str:
    """SHA-256 is enough where the secret is long and random."""
    return sha256(secret.encode()).hexdigest()


def claims(subject: Subject, session_id: str, issuer: str, token_id: str, now: datetime) -> dict[str, Any]:
    """What an access token says (RFC 7519, 4.1; `sid`, `roles`, `email` are private to this shop)."""
    said = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": subject.user_id,
        "roles": list(subject.roles),
        "sid": session_id,
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS_TOKEN_TTL).timestamp()),
        "jti": token_id,
    }
    return said | ({"email": subject.email} if subject.email else {})
