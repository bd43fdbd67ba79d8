"""The signing key's forms: what KMS speaks (DER) and what JOSE speaks (JWK, r and s side by side).

The standard library alone: `cryptography` would double the zip of the function that signs.
"""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256

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


def _integer(der: bytes) -> tuple[bytes, bytes]:
    """The first number, 32 bytes big-endian, and what follows it."""
    if len(der) < 2 or der[0] != _INTEGER or len(der) < 2 + der[1]:
        raise ValueError("not a DER signature of P-256")
    end = 2 + der[1]
    return int.from_bytes(der[2:end], "big").to_bytes(_SIZE, "big"), der[end:]


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
