"""Entry point: API Gateway's Lambda authorizer, which verifies access tokens.

It runs before most requests, so it imports as little as possible: no pydantic and no tables.
"""

import os
import time
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from shared import finish_init
from shared.runtime import observability
from shared.runtime.aws import client
from shared.runtime.observability import log
from users.domain.keys import public_jwk, thumbprint, verify_token

KEY_ARN = os.environ["USERS_SIGNING_KEY_ARN"]
ISSUER = f"tillstack/{os.environ['STAGE']}"
REFRESH_SECONDS = 60  # seconds; anyone can send tokens with unknown keys, and KMS limits calls


class PublicKeys:
    """The public signing keys by id. An unknown id reads the key again, at most once per REFRESH_SECONDS."""

    def __init__(self) -> None:
        self.kms = client("kms")
        self.by_id: dict[str, EllipticCurvePublicKey] = {}
        self.read_at = float("-inf")

    def get(self, kid: object) -> EllipticCurvePublicKey:
        """Return the key. Raises InvalidTokenError if no key has this id."""
        if kid not in self.by_id and time.monotonic() - self.read_at > REFRESH_SECONDS:
            self.refresh()
        try:
            return self.by_id[str(kid)]
        except KeyError:
            raise jwt.InvalidTokenError("unknown key") from None

    def refresh(self) -> None:
        """Read the current key from KMS."""
        der = self.kms.get_public_key(KeyId=KEY_ARN)["PublicKey"]
        key = load_der_public_key(der)
        if isinstance(key, EllipticCurvePublicKey):
            self.by_id[thumbprint(public_jwk(der))] = key
        self.read_at = time.monotonic()


keys = PublicKeys()
decoder = jwt.PyJWT()
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    keys.refresh()


def authorize(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Return a policy that allows every method of this stage, with the token's claims as its context.

    API Gateway caches the policy per token for five minutes, so it must not depend on the method; services
    check the role. Raises Exception("Unauthorized"), the exact text that API Gateway maps to 401:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
    """
    observability.begin(event["requestContext"].get("requestId", ""))
    try:
        claims = verify(_bearer_token(event))
    except jwt.InvalidTokenError as error:
        log.info("token rejected", extra={"reason": type(error).__name__})
        raise Exception("Unauthorized") from None
    api, stage, *_ = event["methodArn"].split("/")
    return {
        "principalId": claims["sub"],
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{api}/{stage}/*/*"}
            ],
        },
        "context": {
            "user_id": claims["sub"],
            "roles": " ".join(claims["roles"]),
            "session_id": claims["sid"],
            "email": claims.get("email", ""),
        },
    }


def verify(token: str) -> dict[str, Any]:
    """Return the claims of a valid access token. Raises InvalidTokenError."""
    return verify_token(token, ISSUER, keys.get, decoder)


def _bearer_token(event: Mapping[str, Any]) -> str:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    scheme, _, token = (headers.get("authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        raise jwt.InvalidTokenError("not a bearer token")
    return token.strip()


finish_init()
