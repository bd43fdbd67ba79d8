"""The first answer to a key is the answer to that key, for a day.

Source: https://docs.stripe.com/api/idempotent_requests
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from localstack.stripe.errors import Object, StripeError, invalid
from localstack.stripe.store import Store

_TTL = 24 * 3600


class Response(NamedTuple):
    """An API answer; `replay_of` is the id of the request that it first answered."""

    status: int
    body: Object
    replay_of: str | None = None


def fingerprint(method: str, path: str, params: dict[str, Any]) -> str:
    """Equal for equal requests, whatever the order of their parameters."""
    text = json.dumps([method, path, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def replay_or_run(
    store: Store,
    key: str | None,
    request_fingerprint: str,
    request_id: str,
    now: float,
    act: Callable[[], Response],
) -> Response:
    """The kept answer of the key, else what `act` answers, which is kept: successes and refusals alike.

    Runs within a transaction of the store, so of simultaneous requests one acts and the rest find its answer.
    """
    if key is None:
        return act()
    if len(key) > 255:
        raise invalid("Idempotency keys have up to 255 characters.")
    store.rows("DELETE FROM answers WHERE created < ?", now - _TTL)
    kept = store.rows("SELECT * FROM answers WHERE key = ?", key)
    if kept and kept[0]["fingerprint"] != request_fingerprint:
        raise StripeError(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were first used"
            f" with. Try using a key other than '{key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    if kept:
        return Response(kept[0]["status"], json.loads(kept[0]["body"]), kept[0]["request"])
    answer = act()
    store.rows(
        "INSERT INTO answers (key, fingerprint, status, body, request, created) VALUES (?, ?, ?, ?, ?, ?)",
        key,
        request_fingerprint,
        answer.status,
        json.dumps(answer.body),
        request_id,
        now,
    )
    return answer
