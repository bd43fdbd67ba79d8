"""Accounts, their roles, and the key under which email addresses are unique."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from unicodedata import normalize

from shared.errors import Conflict, Unauthorized, invalid
from shared.http.identity import CUSTOMER, Role


class EmailTaken(Conflict):
    """An account with this email address exists; case is ignored."""

    advice = "Log in, or register with another address."


class BadCredentials(Unauthorized):
    """The email address or the password is wrong; the response does not say which."""

    advice = "Ask the user for the email address and the password again."


@dataclass(frozen=True)
class Subject:
    """The user that a token is issued to. `password_version` is the account's, 0 for guests."""

    user_id: str
    roles: tuple[str, ...]
    email: str = ""
    password_version: int = 0


@dataclass(frozen=True)
class Account:
    """A registered user. `password_version` grows with each new password, which ends older sessions."""

    user_id: str
    email: str
    name: str
    phone: str | None
    roles: tuple[str, ...]
    password_hash: str = field(repr=False)
    created_at: datetime
    email_verified: bool = False
    mfa_enabled: bool = False
    password_version: int = 1
    version: int = 1

    @property
    def subject(self) -> Subject:
        return Subject(self.user_id, self.roles, self.email, self.password_version)

    def with_roles(self, roles: tuple[str, ...]) -> "Account":
        return self if roles == self.roles else replace(self, roles=roles, version=self.version + 1)

    def with_password(self, password_hash: str) -> "Account":
        return replace(
            self,
            password_hash=password_hash,
            password_version=self.password_version + 1,
            version=self.version + 1,
        )


def email_key(email: str) -> str:
    """Return the form in which addresses are compared (Unicode's compatibility caseless match)."""
    return normalize("NFKC", normalize("NFKC", email).casefold())


def attempts_key(email: str) -> str:
    """Return the key under which logins with this address are counted: a hash, because addresses without an
    account are counted too."""
    return sha256(email_key(email).encode()).hexdigest()


def account_roles(names: Sequence[str]) -> tuple[str, ...]:
    """Return the roles without duplicates, least powerful first. Raises Invalid if one is unknown."""
    known = {role.name.lower(): role for role in Role if role >= CUSTOMER}
    if unknown := sorted(set(names) - set(known)):
        raise invalid("/roles", f"Unknown roles: {', '.join(unknown)}. Allowed: {', '.join(known)}.")
    return tuple(sorted(set(names), key=known.__getitem__))
