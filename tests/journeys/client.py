"""An API client that retries."""

import random
import time
import urllib.error
from collections import Counter
from typing import Any
from uuid import uuid4

from localstack.cloud.local_cloud import LocalCloudError
from localstack.cloud.shop import Response, Shop

TRIES = 40


class Client:
    """A client that retries temporary failures with the same idempotency key and with backoff.

    `retries` counts the retries by status or exception.
    """

    def __init__(self, shop: Shop, retries: Counter[str]) -> None:
        self.shop, self.retries = shop, retries

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Response:
        """Return the first response that is not 429, not 5xx, and not `request-in-progress`."""
        keyed = {"Idempotency_Key": key or str(uuid4())} if method == "POST" else {}
        for n in range(TRIES):
            try:
                response = self.shop.call(method, path, body, **keyed)
            except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
                self.retries[type(error).__name__] += 1
                time.sleep(_pause(n))
                continue
            in_progress = response.status == 409 and response.body["type"] == "/problems/request-in-progress"
            if response.status not in (429, 500, 502, 503, 504) and not in_progress:
                return response
            self.retries[f"{response.status} in progress" if in_progress else str(response.status)] += 1
            retry_after = float(response.headers.get("retry-after", 0))
            time.sleep(min(retry_after, 2) if in_progress else _pause(n))
        raise LocalCloudError(f"{method} {path} failed {TRIES} times")

    def expect(self, status: int, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """Return the body of the response. Raises LocalCloudError if it has another status."""
        response = self.call(method, path, body, key)
        if response.status != status:
            raise LocalCloudError(
                f"{method} {path} returned {response.status}, not {status}: {response.body}"
            )
        return response.body


def _pause(n: int) -> float:
    return float(min(2.0, 0.1 * 2**n) * random.uniform(0.5, 1))
