"""The signing key's forms, what KMS speaks (DER) and what JOSE speaks; and which access tokens it makes good.

Without `cryptography`: it would double the zip of the functions that leave signatures to KMS.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from jwt import PyJWT, get_unverified_header

ALGORITHM = "ES256"
AUDIENCE = "shop"
_NEEDED = ["exp", "iat", "iss", "aud", "sub", "sid", "roles"]

# SubjectPublicKeyInfo of a point on P-256 up to the point itself (RFC 5480, 2): the same for every key.
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_UNCOMPRESSED = 0x04
_SIZE = 32
_SEQUENCE, _INTEGER = 0x30, 0x02


def public_jwk(spki: bytes) -> dict[str, str]:
    """The public key as a JWK (RFC 7518, 6.2.1). Raises ValueError where it is not one of P-256."""
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
    """The key's id: SHA-256 of its required members in their canonical form (RFC 7638, 3)."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return _base64url(sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest())


def jws_signature(der: bytes) -> bytes:
    """An ECDSA signature as JOSE has it (RFC 7518, 3.4) from how KMS gives it (RFC 3279, 2.2.3)."""
    # Both numbers are at most 33 bytes, so every length is a single byte.
    if len(der) < 2 or der[0] != _SEQUENCE or der[1] != len(der) - 2:
        raise ValueError("not a DER signature of P-256")
    r, rest = _integer(der[2:])
    s, rest = _integer(rest)
    if rest:
        raise ValueError("not a DER signature of P-256")
    return r + s


def der_signature(raw: bytes) -> bytes:
    """The reverse of `jws_signature`. Raises ValueError where it has not a signature's length."""
    if len(raw) != 2 * _SIZE:
        raise ValueError("not a signature of P-256")
    content = b""
    for half in (raw[:_SIZE], raw[_SIZE:]):
        number = half.lstrip(b"\0")
        if not number or number[0] & 0x80:
            number = b"\0" + number  # DER's numbers have a sign
        content += bytes([_INTEGER, len(number)]) + number
    return bytes([_SEQUENCE, len(content)]) + content


def read_token(
    token: str, issuer: str, key_named: Callable[[object], Any], signatures: PyJWT
) -> dict[str, Any]:
    """The claims of an access token of this shop that is good now. Raises InvalidTokenError.

    `signatures` checks one by the key that `key_named` has for the token's `kid`; it raises the same where
    it has none.
    """
    kid = get_unverified_header(token).get("kid")
    claims: dict[str, Any] = signatures.decode(
        token,
        key_named(kid),
        algorithms=[ALGORITHM],
        audience=AUDIENCE,
        issuer=issuer,
        # A token is not refused for having been made a moment ahead of this machine's clock.
        options={"require": _NEEDED, "verify_iat": False},
    )
    return claims


def _integer(der: bytes) -> tuple[bytes, bytes]:
    """The first number, 32 bytes big-endian, and what follows it."""
    if len(der) < 2 or der[0] != _INTEGER or len(der) < 2 + der[1]:
        raise ValueError("not a DER signature of P-256")
    end = 2 + der[1]
    return int.from_bytes(der[2:end], "big").to_bytes(_SIZE, "big"), der[end:]


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
