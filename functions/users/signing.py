"""Signing and verifying access tokens: ES256 (RFC 7518, 3.4) with a key that never leaves KMS."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.exceptions import ClientError
from jwt import InvalidTokenError, PyJWT
from jwt.algorithms import NoneAlgorithm
from jwt.api_jws import PyJWS

from shared.runtime.aws import client
from shared.runtime.settings import CommonSettings
from users.domain.keys import (
    ALGORITHM,
    der_signature,
    jws_signature,
    public_jwk,
    thumbprint,
    verify_token,
)
from users.settings import settings

MAX_MESSAGE = 4096  # bytes; KMS accepts no more
SIGNATURE_SIZE = 64
kms = client("kms")


class KmsSignature(NoneAlgorithm):
    """A PyJWT algorithm that signs and verifies in KMS. Like its base class, it takes no key."""

    def sign(self, msg: bytes, key: None) -> bytes:
        response = kms.sign(
            KeyId=settings().users_signing_key_arn,
            Message=msg,  # below 1,000 bytes even with the longest email address
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return jws_signature(response["Signature"])

    def verify(self, msg: bytes, key: None, sig: bytes) -> bool:
        if len(msg) > MAX_MESSAGE or len(sig) != SIGNATURE_SIZE:
            return False
        try:
            response = kms.verify(
                KeyId=settings().users_signing_key_arn,
                Message=msg,
                MessageType="RAW",
                Signature=der_signature(sig),
                SigningAlgorithm="ECDSA_SHA_256",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "KMSInvalidSignatureException":
                return False
            raise
        return bool(response["SignatureValid"])


_jws = PyJWS(algorithms=[])
_jws.register_algorithm(ALGORITHM, KmsSignature())


def sign(claims: Mapping[str, Any]) -> str:
    """Return the claims as a compact JWS, with the key's id as its `kid`."""
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return _jws.encode(payload, "", ALGORITHM, headers={"kid": thumbprint(public_key())})


class _KmsDecoder(PyJWT):
    """PyJWT's checks of claims, with signatures verified by KMS."""

    def __init__(self) -> None:
        super().__init__()
        self._jws = _jws


_decoder = _KmsDecoder()


def verify(token: str) -> dict[str, Any]:
    """Return the claims of a valid access token, by the authorizer's rules. Raises InvalidTokenError.

    KMS verifies the signature, because the library that could do it here would double the zip.
    """
    return verify_token(token, issuer(), _require_key_id, _decoder)


def issuer() -> str:
    """Return the `iss` claim of this stage's tokens."""
    return f"tillstack/{CommonSettings.load().stage}"


def _require_key_id(kid: object) -> str:
    if kid != thumbprint(public_key()):
        raise InvalidTokenError("unknown key")
    return ""  # the key stays in KMS


@cache
def public_key() -> dict[str, str]:
    """Return the public key as a JWK. Cached, because a KMS key never changes."""
    return public_jwk(kms.get_public_key(KeyId=settings().users_signing_key_arn)["PublicKey"])
