"""Access tokens: ES256 (RFC 7518, 3.4) by a key that never leaves KMS."""

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
    read_token,
    thumbprint,
)
from users.settings import settings

MOST_SIGNED = 4096  # bytes that KMS takes
SIGNATURE_SIZE = 64
kms = client("kms")


class KmsSignature(NoneAlgorithm):
    """Signs and verifies by asking KMS. Its base brings the rest: it takes no key here."""

    def sign(self, msg: bytes, key: None) -> bytes:
        answer = kms.sign(
            KeyId=settings().users_signing_key_arn,
            Message=msg,  # with the longest e-mail address it is under a thousand bytes
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return jws_signature(answer["Signature"])

    def verify(self, msg: bytes, key: None, sig: bytes) -> bool:
        if len(msg) > MOST_SIGNED or len(sig) != SIGNATURE_SIZE:
            return False
        try:
            answer = kms.verify(
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
        return bool(answer["SignatureValid"])


_tokens = PyJWS(algorithms=[])
_tokens.register_algorithm(ALGORITHM, KmsSignature())


def sign(claims: Mapping[str, Any]) -> str:
    """The claims as a compact JWS whose `kid` names the key."""
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return _tokens.encode(payload, "", ALGORITHM, headers={"kid": thumbprint(public_key())})


class _Signatures(PyJWT):
    """PyJWT's rules of claims, over signatures that KMS checks."""

    def __init__(self) -> None:
        super().__init__()
        self._jws = _tokens


_signatures = _Signatures()


def read(token: str) -> dict[str, Any]:
    """The claims of an access token that is good now, by the authorizer's rule. Raises InvalidTokenError.

    KMS is asked about the signature: the library that could check it here would double the zip.
    """
    return read_token(token, issuer(), _key_named, _signatures)


def issuer() -> str:
    """Who says what is in this stage's tokens."""
    return f"tillstack/{CommonSettings.load().stage}"


def _key_named(kid: object) -> str:
    if kid != thumbprint(public_key()):
        raise InvalidTokenError("unknown key")
    return ""  # it stays in KMS


@cache
def public_key() -> dict[str, str]:
    """The public key as a JWK; a key of KMS never changes."""
    return public_jwk(kms.get_public_key(KeyId=settings().users_signing_key_arn)["PublicKey"])
