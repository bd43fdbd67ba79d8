"""Verification of webhook signatures with the standard library, because `import stripe` takes 100 ms.

The scheme is https://docs.stripe.com/webhooks#verify-manually.
"""

import hmac
import re
from collections.abc import Iterable
from datetime import datetime

from shared.errors import Malformed
from shared.runtime import clock

TOLERANCE_SECONDS = 300  # seconds; Stripe's own libraries use five minutes against replayed events
_TIME = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


class BadSignature(Malformed):
    """The signature is missing, malformed, outdated or wrong."""

    advice = "Sign the event with the endpoint's current secret and the current time."


class UnknownSignature(BadSignature):
    """The signature is well-formed and recent, but no known secret made it."""

    slug = "bad-signature"


def verify(header: str, body: bytes, secrets: Iterable[str], now: datetime) -> None:
    """Check that one of the header's `v1` signatures over `t.body` was made with one of the secrets.

    There are several signatures or secrets during a rotation. Raises BadSignature if the header is malformed
    or its time is more than TOLERANCE_SECONDS off, or UnknownSignature if no signature matches.
    """
    time, signatures = _parse(header)
    if abs(clock.epoch(now) - int(time)) > TOLERANCE_SECONDS:
        raise BadSignature("The signature is too old or its time is in the future; sign the event again.")
    expected = [_sign(secret, time, body) for secret in secrets if secret]
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in signatures]
    if not any(matches):
        raise UnknownSignature("The signature does not match; use the endpoint's current secret.")


def _sign(secret: str, time: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), time.encode() + b"." + body, "sha256").hex()


def _parse(header: str) -> tuple[str, list[str]]:
    """Return the signed time and the `v1` signatures; other schemes are ignored."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1" and _SIGNATURE.fullmatch(value)]
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not signatures:
        raise BadSignature("Stripe-Signature is missing or not of the form t=…,v1=….")
    return times[0], signatures
