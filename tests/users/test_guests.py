"""Identifying guests: the command accepts exactly the guest tokens that the authorizer accepts."""

import base64
import json
import time

import jwt
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support import Context, call
from tests.users.conftest import claims, login, register, segment, signed
from users import authorizer, signing
from users.app.api import api
from users.app.commands import commands


@pytest.fixture(scope="module", autouse=True)
def shop(resources):
    """Create the resources once, because no test writes anything."""
    resources.restore()
    signing.public_key.cache_clear()
    register()


@pytest.fixture(scope="module")
def token(shop):
    return call(api, "POST", "/users/guest").json["access_token"]


def identify(token):
    return commands({"command": "identify_guest", "input": {"token": token}}, Context())


def is_rejected(token):
    problem = identify(token).get("problem", {})
    return problem and (problem["type"], problem["status"], problem["errors"][0]["pointer"]) == (
        "/problems/invalid",
        422,
        "/guest_token",
    )


def altered(token, **changed):
    """Return a token with other claims and the original signature."""
    header, _, signature = token.split(".")
    return f"{header}.{segment(claims(token) | changed)}.{signature}"


def flipped(token, place):
    header, payload, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    return f"{header}.{payload}.{segment(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])}"


def unsigned(token, alg="none", signature=""):
    header = {"alg": alg, "typ": "JWT", "kid": jwt.get_unverified_header(token)["kid"]}
    return f"{segment(header)}.{segment(claims(token))}.{signature}"


def by_another_key(token):
    own = ec.generate_private_key(ec.SECP256R1())
    kid = jwt.get_unverified_header(token)["kid"]
    return jwt.encode(claims(token), own, algorithm="ES256", headers={"kid": kid})


def test_a_guests_token_identifies_the_guest(token):
    assert identify(token) == {"output": {"user_id": claims(token)["sub"]}}
    assert claims(token)["sub"].startswith("gst_")


def test_a_customers_token_is_rejected():
    assert is_rejected(login().json["access_token"])


@pytest.mark.parametrize("roles", [[], ["guest", "customer"], ["staff"], "guest", {"guest": 1}], ids=str)
def test_a_token_with_other_roles_is_rejected(token, roles):
    assert is_rejected(signed(token, roles=roles))


def test_a_token_signed_by_this_test_is_accepted(token):
    """Show that the forgeries below fail because of their claims."""
    assert "output" in identify(signed(token))


FORGERIES = {
    "expired": lambda token: signed(token, exp=int(time.time()) - 1),
    "of another shop": lambda token: signed(token, aud="another-shop"),
    "of another stage": lambda token: signed(token, iss="tillstack/prod"),
    "without expiry": lambda token: signed(token, exp=...),
    "without a session": lambda token: signed(token, sid=...),
    "not yet valid": lambda token: signed(token, nbf=4_102_444_800),
    "of an unknown key": lambda token: signed(token, {"kid": "another"}),
    "with a critical header": lambda token: signed(token, {"crit": ["x"], "x": 1}),
    "altered": lambda token: altered(token, sub="gst_2"),
    "with a flipped bit": lambda token: flipped(token, 0),
    "with another flipped bit": lambda token: flipped(token, 63),
    "by another key": by_another_key,
    "unsigned": unsigned,
    "unsigned, in capitals": lambda token: unsigned(token, "NONE", "AA"),
    "signed with a shared secret": lambda token: unsigned(token, "HS256", "AA"),
    "signed with zeros": lambda token: unsigned(token, "ES256", segment(bytes(64))),
    "with a short signature": lambda token: unsigned(token, "ES256", segment(b"\1" * 63)),
    "without a signature": lambda token: unsigned(token, "ES256"),
    "empty": lambda token: "",
    "two parts": lambda token: "a.b",
    "not ASCII": lambda token: "é.é.é",
    "10 KB of letters": lambda token: "A" * 10_000,
    "10 KB of dots": lambda token: "." * 10_000,
    "10 KB of claims": lambda token: altered(token, email="x" * 10_000),
    "10 KB of signature": lambda token: unsigned(token, "ES256", "A" * 10_000),
    "nested deeply": lambda token: segment(b"[" * 10_000) + ".e30.x",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_token_that_the_authorizer_rejects_is_rejected(token, forge):
    forged = forge(token)
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.authorize(
            {
                "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/test/GET/cart",
                "headers": {"Authorization": f"Bearer {forged}"},
                "requestContext": {},
            },
            Context(),
        )
    assert is_rejected(forged)


def test_a_rejection_does_not_repeat_the_token(token):
    forged = flipped(token, 5)
    assert forged.split(".")[2] not in json.dumps(identify(forged))


def kms_error(code):
    return ClientError({"Error": {"Code": code, "Message": ""}}, "Verify")


class Kms:
    """A KMS client whose `verify` raises `error`."""

    def __init__(self, error):
        self.error = error
        self.get_public_key = signing.kms.get_public_key

    def verify(self, **_):
        raise self.error


def test_a_signature_that_kms_rejects_is_rejected(token, monkeypatch):
    """KMS raises an error for an invalid signature; moto returns False."""
    monkeypatch.setattr(signing, "kms", Kms(kms_error("KMSInvalidSignatureException")))
    assert is_rejected(token)


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://kms.test"),
        kms_error("ThrottlingException"),
    ],
)
def test_a_failure_of_kms_is_raised_and_not_a_rejection(token, monkeypatch, error):
    monkeypatch.setattr(signing, "kms", Kms(error))
    with pytest.raises(type(error)):
        identify(token)
