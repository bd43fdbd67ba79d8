"""Whose token a guest's is: told to the cart, by the authorizer's own rule."""

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
from users.app import api, commands


@pytest.fixture(scope="module", autouse=True)
def shop(resources):
    """One cloud for all: nothing is written."""
    resources.restore()
    signing.public_key.cache_clear()
    register()


@pytest.fixture(scope="module")
def token(shop):
    return call(api, "POST", "/users/guest").json["access_token"]


def identify(token):
    return commands({"command": "identify_guest", "input": {"token": token}}, Context())


def is_declined(token):
    problem = identify(token).get("problem", {})
    return problem and (problem["type"], problem["status"], problem["errors"][0]["pointer"]) == (
        "/problems/invalid",
        422,
        "/guest_token",
    )


def altered(token, **changed):
    """Other claims under the signature of these."""
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


def test_a_guests_token_tells_whose_it_is(token):
    assert identify(token) == {"output": {"user_id": claims(token)["sub"]}}
    assert claims(token)["sub"].startswith("gst_")


def test_a_customers_token_is_no_guests():
    assert is_declined(login().json["access_token"])


@pytest.mark.parametrize("roles", [[], ["guest", "customer"], ["staff"], "guest", {"guest": 1}], ids=str)
def test_who_is_more_or_less_than_a_guest_is_none(token, roles):
    assert is_declined(signed(token, roles=roles))


def test_a_token_truly_signed_by_the_test_is_taken(token):
    """The forgeries below fail for what they claim, not for how they are made."""
    assert "output" in identify(signed(token))


FORGERIES = {
    "expired": lambda token: signed(token, exp=int(time.time()) - 1),
    "of another shop": lambda token: signed(token, aud="another-shop"),
    "of another stage": lambda token: signed(token, iss="tillstack/prod"),
    "without an end": lambda token: signed(token, exp=...),
    "without a session": lambda token: signed(token, sid=...),
    "not yet good": lambda token: signed(token, nbf=4_102_444_800),
    "of an unknown key": lambda token: signed(token, {"kid": "another"}),
    "with a demand": lambda token: signed(token, {"crit": ["x"], "x": 1}),
    "altered": lambda token: altered(token, sub="gst_2"),
    "of a flipped bit": lambda token: flipped(token, 0),
    "of another flipped bit": lambda token: flipped(token, 63),
    "by another key": by_another_key,
    "unsigned": unsigned,
    "unsigned, in capitals": lambda token: unsigned(token, "NONE", "AA"),
    "signed with a shared secret": lambda token: unsigned(token, "HS256", "AA"),
    "signed with zeros": lambda token: unsigned(token, "ES256", segment(bytes(64))),
    "signed with little": lambda token: unsigned(token, "ES256", segment(b"\1" * 63)),
    "signed with nothing": lambda token: unsigned(token, "ES256"),
    "empty": lambda token: "",
    "two parts": lambda token: "a.b",
    "no letters": lambda token: "é.é.é",
    "10 KB of letters": lambda token: "A" * 10_000,
    "10 KB of dots": lambda token: "." * 10_000,
    "10 KB of claims": lambda token: altered(token, email="x" * 10_000),
    "10 KB of signature": lambda token: unsigned(token, "ES256", "A" * 10_000),
    "nested deeply": lambda token: segment(b"[" * 10_000) + ".e30.x",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_what_the_authorizer_refuses_is_declined(token, forge):
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
    assert is_declined(forged)


def test_a_refusal_does_not_repeat_the_token(token):
    forged = flipped(token, 5)
    assert forged.split(".")[2] not in json.dumps(identify(forged))


def kms_error(code):
    return ClientError({"Error": {"Code": code, "Message": ""}}, "Verify")


class Kms:
    """A key service that refuses to verify, in the way of `error`."""

    def __init__(self, error):
        self.error = error
        self.get_public_key = signing.kms.get_public_key

    def verify(self, **_):
        raise self.error


def test_kms_refusing_a_signature_declines_it(token, monkeypatch):
    """KMS raises where moto answers that it is not valid."""
    monkeypatch.setattr(signing, "kms", Kms(kms_error("KMSInvalidSignatureException")))
    assert is_declined(token)


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://kms.test"),
        kms_error("ThrottlingException"),
    ],
)
def test_a_key_service_that_is_down_declares_nobody_a_forger(token, monkeypatch, error):
    monkeypatch.setattr(signing, "kms", Kms(error))
    with pytest.raises(type(error)):
        identify(token)
