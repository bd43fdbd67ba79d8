"""Fixtures and requests that the tests of users share."""

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
from users.app.api import api

PASSWORD = "correct horse battery"
BODY = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada Byron"}


@pytest.fixture(autouse=True)
def fresh_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Discard the cached signing keys, because each test has a new key."""
    signing.public_key.cache_clear()
    monkeypatch.setattr(authorizer, "keys", authorizer.PublicKeys())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that advances the clock: `later(minutes=15)`."""

    def move(**by: float) -> None:
        time = clock.now() + timedelta(**by)
        monkeypatch.setattr(clock, "now", lambda: time)

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
    """Return the token's claims without verifying them."""
    decoded: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    return decoded


def signed(token: str, headers: Any = (), **changed: Any) -> str:
    """Return a token with changed claims and headers, signed with the shop's key. `...` removes a claim."""
    payload = {name: value for name, value in (claims(token) | changed).items() if value is not ...}
    kid = jwt.get_unverified_header(token)["kid"]
    header = {"kid": kid, **dict(headers)}
    return signing._jws.encode(json.dumps(payload).encode(), "", "ES256", headers=header)


def segment(data: Any) -> str:
    """Return the base64url form of a part of a token."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def returning_errors(job: Callable[[], Any]) -> Callable[[], Any]:
    """Return the job as one that returns the exception which it would raise."""

    def run() -> Any:
        try:
            return job()
        except Exception as error:
            return error

    return run
