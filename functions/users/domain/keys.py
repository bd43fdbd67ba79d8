"""Conversions between KMS's key and signature formats (DER) and JOSE's, and the checks of access tokens.

It does not use `cryptography`, which would double the zip of the functions that verify signatures in KMS.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from jwt import PyJWT, get_unverified_header

ALGORITHM = "ES256"
AUDIENCE = "shop"
_REQUIRED_CLAIMS = ["exp", "iat", "iss", "aud", "sub", "sid", "roles"]

# The part of a P-256 SubjectPublicKeyInfo before the point, the same for every key (RFC 5480, 2).
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_UNCOMPRESSED = 0x04
_SIZE = 32
_SEQUENCE, _INTEGER = 0x30, 0x02


def public_jwk(spki: bytes) -> dict[str, str]:
    """Return the public key as a JWK (RFC 7518, 6.2.1). Raises ValueError if it is not a P-256 key."""
    prefix, point = spki[: len(_P256)], spki[len(_P256) :]
    if prefix != _P256 or len(point) != 1 + 2 * _SIZE or point[0] != _UNCOMPRESSED:
        raise ValueError("not an uncompressed P-256 public key")
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": _base64url(point[1 : 1 + _SIZE]),
        "y": _base64url(point[1 + _SIZE :]),
    }


def thumbprint(jwk: dict[str, str]) -> str:
    """Return the key's id: SHA-256 of its required members in canonical form (RFC 7638, 3)."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return _base64url(sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest())


def jws_signature(der: bytes) -> bytes:
    """Convert an ECDSA signature from KMS's format (RFC 3279, 2.2.3) to JOSE's (RFC 7518, 3.4)."""
    # Both integers have at most 33 bytes, so each length is a single byte.
    if len(der) < 2 or der[0] != _SEQUENCE or der[1] != len(der) - 2:
        raise ValueError("not a DER-encoded P-256 signature")
    r, rest = _integer(der[2:])
    s, rest = _integer(rest)
    if rest:
        raise ValueError("not a DER-encoded P-256 signature")
    return r + s


def der_signature(raw: bytes) -> bytes:
    """Convert a signature from JOSE's format to KMS's. Raises ValueError if its length is wrong."""
    if len(raw) != 2 * _SIZE:
        raise ValueError("not a P-256 signature")
    content = b""
    for half in (raw[:_SIZE], raw[_SIZE:]):
        number = half.lstrip(b"\0")
        if not number or number[0] & 0x80:
            number = b"\0" + number  # DER integers are signed
        content += bytes([_INTEGER, len(number)]) + number
    return bytes([_SEQUENCE, len(content)]) + content


def verify_token(
    token: str, issuer: str, key_by_id: Callable[[object], Any], decoder: PyJWT
) -> dict[str, Any]:
    """Return the claims of a valid access token. Raises InvalidTokenError.

    `decoder` verifies the signature with the key that `key_by_id` returns for the token's `kid`. `key_by_id`
    raises InvalidTokenError if there is none.
    """
    kid = get_unverified_header(token).get("kid")
    claims: dict[str, Any] = decoder.decode(
        token,
        key_by_id(kid),
        algorithms=[ALGORITHM],
        audience=AUDIENCE,
        issuer=issuer,
        # The signing machine's clock may be slightly ahead of this one's.
        options={"require": _REQUIRED_CLAIMS, "verify_iat": False},
    )
    return claims


def _integer(der: bytes) -> tuple[bytes, bytes]:
    """Return the first integer (32 bytes, big-endian) and the remaining bytes."""
    if len(der) < 2 or der[0] != _INTEGER or len(der) < 2 + der[1]:
        raise ValueError("not a DER-encoded P-256 signature")
    end = 2 + der[1]
    return int.from_bytes(der[2:end], "big").to_bytes(_SIZE, "big"), der[end:]


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
