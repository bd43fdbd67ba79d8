"""Access tokens: ES256 (RFC 7518, 3.4) by a key that never leaves KMS."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jwt.algorithms import NoneAlgorithm
from jwt.api_jws import PyJWS

from shared.aws import client
from users.domain.keys import jws_signature, public_jwk, thumbprint
from users.settings import settings

ALGORITHM = "ES256"
kms = client("kms")


class KmsSignature(NoneAlgorithm):
    """Signs by asking KMS. Its base brings the rest: takes no key here, and finds no signature valid."""

    def sign(self, msg: bytes, key: None) -> bytes:
        answer = kms.sign(
            KeyId=settings().users_signing_key_arn,
            Message=msg,  # KMS takes 4,096 bytes; with the longest e-mail address it is under a thousand
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return jws_signature(answer["Signature"])


_tokens = PyJWS(algorithms=[])
_tokens.register_algorithm(ALGORITHM, KmsSignature())


def sign(claims: Mapping[str, Any]) -> str:
    """The claims as a compact JWS whose `kid` names the key."""
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return _tokens.encode(payload, "", ALGORITHM, headers={"kid": thumbprint(public_key())})


@cache
def public_key() -> dict[str, str]:
    """The public key as a JWK; a key of KMS never changes."""
    return public_jwk(kms.get_public_key(KeyId=settings().users_signing_key_arn)["PublicKey"])
