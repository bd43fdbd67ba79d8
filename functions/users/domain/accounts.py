"""Accounts: whose they are, and what makes an e-mail address one and the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from unicodedata import normalize

from shared.errors import Conflict, Unauthorized, invalid
from shared.http.identity import CUSTOMER, Role


class EmailTaken(Conflict):
    """There is an account with this e-mail address, in whatever case."""


class BadCredentials(Unauthorized):
    """The e-mail address or the password is wrong; which one is not told."""


@dataclass(frozen=True)
class Subject:
    """Whom a token is about. `credentials` is the generation of the account's password, 0 for guests."""

    user_id: str
    roles: tuple[str, ...]
    email: str = ""
    credentials: int = 0


@dataclass(frozen=True)
class Account:
    """A registered user. `credentials` counts the passwords there were: sessions end with theirs."""

    user_id: str
    email: str
    name: str
    phone: str | None
    roles: tuple[str, ...]
    password_hash: str = field(repr=False)
    created_at: datetime
    email_verified: bool = False
    mfa_enabled: bool = False
    credentials: int = 1
    version: int = 1

    @property
    def subject(self) -> Subject:
        return Subject(self.user_id, self.roles, self.email, self.credentials)

    def with_roles(self, roles: tuple[str, ...]) -> "Account":
        return self if roles == self.roles else replace(self, roles=roles, version=self.version + 1)

    def with_password(self, password_hash: str) -> "Account":
        return replace(
            self,
            password_hash=password_hash,
            credentials=self.credentials + 1,
            version=self.version + 1,
        )


def email_key(email: str) -> str:
    """What is the same for two spellings of one address: folded by Unicode's compatibility caseless match."""
    return normalize("NFKC", normalize("NFKC", email).casefold())


def attempts_key(email: str) -> str:
    """Under what failed logins are counted, for addresses without an account too: no address in the clear."""
    return sha256(email_key(email).encode()).hexdigest()


def account_roles(names: Sequence[str]) -> tuple[str, ...]:
    """The roles of an account, each once, least powerful first. Raises Invalid where one is unknown."""
    known = {role.name.lower(): role for role in Role if role >= CUSTOMER}
    if unknown := sorted(set(names) - set(known)):
        raise invalid("/roles", f"{', '.join(unknown)}: an account's roles are {', '.join(known)}.")
    return tuple(sorted(set(names), key=known.__getitem__))
