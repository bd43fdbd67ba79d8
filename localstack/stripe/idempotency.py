"""Idempotency keys: the first response to a key is replayed for 24 hours.

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
    """An API response; `replay_of` is the id of the request that first had it."""

    status: int
    body: Object
    replay_of: str | None = None


def fingerprint(method: str, path: str, params: dict[str, Any]) -> str:
    """Return a digest of the request that does not depend on the order of parameters."""
    text = json.dumps([method, path, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def replay_or_run(
    store: Store,
    key: str | None,
    request_fingerprint: str,
    request_id: str,
    now: float,
    run: Callable[[], Response],
) -> Response:
    """Return the key's stored response, or run the request and store its response, successful or not.

    It runs in a transaction of the store, so only the first of simultaneous requests runs.
    """
    if key is None:
        return run()
    if len(key) > 255:
        raise invalid("Idempotency keys have up to 255 characters.")
    store.rows("DELETE FROM responses WHERE created < ?", now - _TTL)
    stored = store.rows("SELECT * FROM responses WHERE key = ?", key)
    if stored and stored[0]["fingerprint"] != request_fingerprint:
        raise StripeError(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were first used"
            f" with. Try using a key other than '{key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    if stored:
        return Response(stored[0]["status"], json.loads(stored[0]["body"]), stored[0]["request"])
    response = run()
    store.rows(
        "INSERT INTO responses (key, fingerprint, status, body, request, created) VALUES (?, ?, ?, ?, ?, ?)",
        key,
        request_fingerprint,
        response.status,
        json.dumps(response.body),
        request_id,
        now,
    )
    return response
