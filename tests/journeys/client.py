"""A client that does not give up."""

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
    """The shop as a good client calls it: what passes is tried again, with the same key, after the time that
    the answer names or a growing one. `retries` counts by what was answered."""

    def __init__(self, shop: Shop, retries: Counter[str]) -> None:
        self.shop, self.retries = shop, retries

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Response:
        """The first answer that is one: not 429, not 5xx, and not that the first call still runs."""
        keyed = {"Idempotency_Key": key or str(uuid4())} if method == "POST" else {}
        for n in range(TRIES):
            try:
                answer = self.shop.call(method, path, body, **keyed)
            except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
                self.retries[type(error).__name__] += 1
                time.sleep(_pause(n))
                continue
            running = answer.status == 409 and answer.body["type"] == "/problems/request-in-progress"
            if answer.status not in (429, 500, 502, 503, 504) and not running:
                return answer
            self.retries[f"{answer.status} in progress" if running else str(answer.status)] += 1
            named = float(answer.headers.get("retry-after", 0))
            time.sleep(min(named, 2) if running else _pause(n))
        raise LocalCloudError(f"{method} {path} was tried {TRIES} times in vain")

    def expect(self, status: int, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """Raises LocalCloudError where the answer has another status."""
        answer = self.call(method, path, body, key)
        if answer.status != status:
            raise LocalCloudError(f"{method} {path} answered {answer.status}, not {status}: {answer.body}")
        return answer.body


def _pause(n: int) -> float:
    return float(min(2.0, 0.1 * 2**n) * random.uniform(0.5, 1))
