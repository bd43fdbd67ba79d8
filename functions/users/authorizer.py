"""API Gateway's Lambda authorizer: who holds an access token, and that it is one of ours.

It stands before every request and loads as little as it can: no pydantic, no table, no powertools.
"""

import json
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from shared import finish_init
from shared.runtime.aws import client
from users.domain.keys import public_jwk, read_token, thumbprint

log = logging.getLogger("authorizer")
log.setLevel(logging.INFO)

KEY_ARN = os.environ["USERS_SIGNING_KEY_ARN"]
ISSUER = f"tillstack/{os.environ['STAGE']}"
REREAD_SECONDS = 60


class PublicKeys:
    """The keys that tokens are signed with, by their id; read again for an unknown one, but seldom."""

    def __init__(self) -> None:
        self.kms = client("kms")
        self.known: dict[str, EllipticCurvePublicKey] = {}
        self.read_at = float("-inf")

    def named(self, kid: object) -> EllipticCurvePublicKey:
        """Raises InvalidTokenError where no key has this id."""
        if kid not in self.known and time.monotonic() - self.read_at > REREAD_SECONDS:
            self.read()
        try:
            return self.known[str(kid)]
        except KeyError:
            raise jwt.InvalidTokenError("unknown key") from None

    def read(self) -> None:
        """Ask KMS; the next minute is answered from what it said."""
        der = self.kms.get_public_key(KeyId=KEY_ARN)["PublicKey"]
        key = load_der_public_key(der)
        if isinstance(key, EllipticCurvePublicKey):
            self.known[thumbprint(public_jwk(der))] = key
        self.read_at = time.monotonic()


keys = PublicKeys()
signatures = jwt.PyJWT()
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    keys.read()


def authorize(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """The handler: allows every method of this API to the token's holder, and says who that is.

    The answer is cached by token for five minutes, so it cannot be about one method; what a role may do is
    for the services to know. Raises what API Gateway takes for 401, by exactly this text:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
    """
    try:
        claims = read(_bearer(event))
    except jwt.InvalidTokenError as error:
        request_id = event["requestContext"].get("requestId", "")
        log.info(json.dumps({"message": "refused", "request_id": request_id, "reason": type(error).__name__}))
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


def read(token: str) -> dict[str, Any]:
    """The claims of an access token of this shop that is good now. Raises InvalidTokenError."""
    return read_token(token, ISSUER, keys.named, signatures)


def _bearer(event: Mapping[str, Any]) -> str:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    scheme, _, token = (headers.get("authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        raise jwt.InvalidTokenError("not a bearer token")
    return token.strip()


finish_init()
