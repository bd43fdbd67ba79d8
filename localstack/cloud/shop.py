"""An HTTP client for the deployed shop's API."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from localstack.cloud.local_cloud import ACCOUNTS, Cloud, LocalCloudError


@dataclass(frozen=True)
class Response:
    """A response: the status, the headers by lower-case name, and the JSON body (None if empty)."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Shop:
    """The API at a base URL, called with an access token or anonymously."""

    base_url: str
    token: str | None = None

    @classmethod
    def of(cls, cloud: Cloud, role: str | None = None) -> "Shop":
        """Return the shop of a local cloud, signed in with the demo account of `role` or as a `guest`."""
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

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Send a request; a keyword such as `idempotency_key` becomes the header `Idempotency-Key`."""
        request_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            request_headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data, request_headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.base_url + path, data, request_headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return _response(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _response(error.code, error.headers, error.read())

    def expect(self, status: int, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the body of the response. Raises LocalCloudError if its status is not `status`."""
        response = self.call(method, path, body, **headers)
        if response.status != status:
            body = json.dumps(response.body)[:500]
            raise LocalCloudError(
                f"{method} {path} returned {response.status}, not {status}: {body}\n"
                f"Its log lines: make logs R={response.headers.get('x-request-id', '')}"
            )
        return response.body


def _response(status: int, headers: Any, content: bytes) -> Response:
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = content.decode(errors="replace")
    return Response(status, {name.lower(): value for name, value in headers.items()}, body)
