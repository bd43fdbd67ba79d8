"""Request and response models."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from shared.http.routing import Body, View
from shared.values.email_address import MAX_EMAIL, Email
from users.domain.accounts import Account
from users.domain.passwords import MAX_INPUT_LENGTH
from users.domain.sessions import Tokens

# Names appear in emails: no control characters and no line breaks of any kind.
Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"
    ),
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9 ()-]{5,30}$")]
Password = Annotated[SecretStr, Field(max_length=MAX_INPUT_LENGTH)]
RefreshTokenText = Annotated[SecretStr, Field(min_length=1, max_length=200)]


class Register(Body):
    """The new account."""

    email: Email
    password: Password
    name: Name
    phone: Phone | None = None


class Login(Body):
    """The credentials. `otp` is accepted and ignored, because accounts have no second factor yet."""

    email: Annotated[str, Field(max_length=MAX_EMAIL)]
    password: Password
    otp: Annotated[SecretStr, Field(max_length=64)] | None = None


class RefreshTokens(Body):
    """The refresh token to use up."""

    refresh_token: RefreshTokenText


class Logout(Body):
    """The refresh token of the session to end."""

    refresh_token: RefreshTokenText


class UserView(View):
    """An account."""

    user_id: str
    email: str
    name: str
    phone: str | None
    email_verified: bool
    roles: list[str]
    mfa_enabled: bool
    created_at: datetime
    version: int

    @classmethod
    def of(cls, account: Account) -> "UserView":
        return cls(
            user_id=account.user_id,
            email=account.email,
            name=account.name,
            phone=account.phone,
            email_verified=account.email_verified,
            roles=list(account.roles),
            mfa_enabled=account.mfa_enabled,
            created_at=account.created_at,
            version=account.version,
        )


class TokensView(View):
    """The tokens of a session. The access token is for the header Authorization."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the scheme's name (RFC 6750)
    expires_in: int
    refresh_token: str

    @classmethod
    def of(cls, tokens: Tokens) -> "TokensView":
        return cls(
            access_token=tokens.access_token,
            expires_in=tokens.expires_in,
            refresh_token=tokens.refresh_token,
        )


class KeyView(View):
    """A public key (RFC 7517)."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str
    use: Literal["sig"] = "sig"
    alg: Literal["ES256"] = "ES256"


class KeysView(View):
    """A set of public keys (RFC 7517)."""

    keys: list[KeyView]
