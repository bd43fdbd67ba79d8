"""What the users' tests share: a key of the test's own, people to sign in, and a cloud that can race."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest

from shared.runtime import clock
from tests.support import Reply, call
from users import authorizer, signing
from users.app import api

PASSWORD = "correct horse battery"
BODY = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada Byron"}


@pytest.fixture(autouse=True)
def fresh_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a key of its own: forget the last one's."""
    signing.public_key.cache_clear()
    monkeypatch.setattr(authorizer, "keys", authorizer.PublicKeys())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`later(minutes=15)`: from here on it is that much later."""

    def move(**by: float) -> None:
        reached = clock.now() + timedelta(**by)
        monkeypatch.setattr(clock, "now", lambda: reached)

    return move


def register(email: str = "ada@example.com", headers: dict[str, str] | None = None, **body: Any) -> Reply:
    person = BODY | {"email": email} | body
    return call(api, "POST", "/users/register", body=person, headers=headers or {})


def login(email: str = "ada@example.com", password: str = PASSWORD, **more: Any) -> Reply:
    return call(api, "POST", "/users/login", body={"email": email, "password": password} | more)


def refresh(token: str) -> Reply:
    return call(api, "POST", "/users/token", body={"refresh_token": token})


def logout(token: str) -> Reply:
    return call(api, "POST", "/users/logout", body={"refresh_token": token})


def claims(access_token: str) -> dict[str, Any]:
    """What the token says, taken by its word."""
    said: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    return said


def signed(token: str, headers: Any = (), **changed: Any) -> str:
    """A token truly signed by the shop's key, with claims and headers that it would not write."""
    said = {name: value for name, value in (claims(token) | changed).items() if value is not ...}
    kid = jwt.get_unverified_header(token)["kid"]
    header = {"kid": kid, **dict(headers)}
    return signing._tokens.encode(json.dumps(said).encode(), "", "ES256", headers=header)


def segment(data: Any) -> str:
    """Base64url, as a token's parts are."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def met(job: Callable[[], Any]) -> Callable[[], Any]:
    """The job, returning what it raises."""

    def run() -> Any:
        try:
            return job()
        except Exception as error:
            return error

    return run
