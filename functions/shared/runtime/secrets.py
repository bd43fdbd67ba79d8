"""Secrets from Secrets Manager, kept for some minutes so that a rolled one is noticed."""

import json
import time

from shared.runtime.aws import client

CACHE_SECONDS = 300
_known: dict[str, tuple[float, dict[str, str]]] = {}


def secret(arn: str) -> dict[str, str]:
    """The secret's JSON object, at most KEPT_SECONDS old."""
    read_at, value = _known.get(arn, (0.0, {}))
    if not value or time.monotonic() - read_at > CACHE_SECONDS:
        value = json.loads(client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
        _known[arn] = (time.monotonic(), value)
    return value


def invalidate(arn: str) -> None:
    """Read it anew next time: what was presented did not match what is remembered."""
    _known.pop(arn, None)
