"""The deployed shop as any HTTP client sees it."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from localstack.cloud.local_cloud import ACCOUNTS, Cloud, LocalCloudError


@dataclass(frozen=True)
class Answer:
    """A response: its status, its headers by lower-case name, its JSON body (None when it has none)."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Shop:
    """The API at a base URL, spoken to with a token or, without one, as a stranger."""

    base_url: str
    token: str | None = None

    @classmethod
    def of(cls, cloud: Cloud, role: str | None = None) -> "Shop":
        """The shop of a local cloud, signed in as the demo account of a role, or as a guest."""
        shop = cls(cloud.api_url())
        if role is None:
            return shop
        if role == "guest":
            tokens = shop.expect(201, "POST", "/users/guest")
        else:
            account = ACCOUNTS[role]
            credentials = {"email": account.email, "password": account.password}
            tokens = shop.expect(200, "POST", "/users/login", credentials)
        return cls(shop.base_url, tokens["access_token"])

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request; a keyword such as `idempotency_key` becomes the header `Idempotency-Key`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.base_url + path, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return _answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers, error.read())

    def expect(self, status: int, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The body of an answer that must have a status. Raises LocalCloudError when it has another."""
        answer = self.call(method, path, body, **headers)
        if answer.status != status:
            raise LocalCloudError(
                f"{method} {path} answered {answer.status}, not {status}: {json.dumps(answer.body)[:500]}"
            )
        return answer.body


def _answer(status: int, headers: Any, content: bytes) -> Answer:
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = content.decode(errors="replace")
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)
