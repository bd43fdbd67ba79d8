"""Secrets from Secrets Manager, cached for a few minutes so that a rotated secret takes effect."""

import json
import time

from shared.runtime.aws import client

CACHE_SECONDS = 300  # seconds; a rotated secret takes effect soon, and few requests call Secrets Manager
_cached: dict[str, tuple[float, dict[str, str]]] = {}


def secret(arn: str) -> dict[str, str]:
    """Return the secret's JSON object, at most CACHE_SECONDS old."""
    read_at, value = _cached.get(arn, (0.0, {}))
    if not value or time.monotonic() - read_at > CACHE_SECONDS:
        value = json.loads(client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
        _cached[arn] = (time.monotonic(), value)
    return value


def invalidate(arn: str) -> None:
    """Discard the cached secret, so that the next call reads it again."""
    _cached.pop(arn, None)
